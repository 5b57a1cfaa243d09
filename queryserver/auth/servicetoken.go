package auth

import (
	"cmp"
	"context"
	"log/slog"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/token"
)

// CreateServiceToken makes a token of a service account and gives its secret, which is
// kept as a hash only.
func (s *Service) CreateServiceToken(ctx context.Context, call *queryserver.Call, account tenant.ID, of *queryserver.Token) (secret string, err error) {
	made := token.New(token.ServiceAccount)
	of.CreatedAt = s.Now()
	if err := s.Store.CreateToken(ctx, call, account, of, queryserver.Hash(made.Hash())); err != nil {
		return "", err
	}
	s.TellKeyMade(ctx, call, of.Name, of.ID.String())
	return made.Reveal(), nil
}

// TellKeyMade tells the user who made an API key or a token that he did: if it was not he,
// somebody has his session. A program that makes one has no address.
func (s *Service) TellKeyMade(ctx context.Context, call *queryserver.Call, name, id string) {
	maker, err := userOf(call)
	if err != nil {
		return
	}
	user, err := s.Store.User(ctx, maker)
	var organization queryserver.Organization
	if err == nil {
		organization, err = s.Store.Organization(ctx, call)
	}
	if err != nil {
		s.Logger.WarnContext(ctx, "An e-mail about a new key could not be written.", slog.Any("error", err))
		return
	}
	s.tell(ctx, user.Email, queryserver.KeyLetter{
		Organization: organization.Name, Name: name, ID: id, Maker: cmp.Or(user.DisplayName, user.Email), At: s.Now(),
	})
}
