package auth

import (
	"context"

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
	return made.Reveal(), nil
}
