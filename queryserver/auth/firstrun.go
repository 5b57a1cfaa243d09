package auth

import (
	"context"

	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/password"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/token"
)

// SetupPath begins the path of the set-up link; the code follows.
const SetupPath = "/setup/"

// OfferSetup makes the link by which the first user comes in, and ends earlier ones. It
// is empty once anybody can log in: there is no default user (ASVS 6.3.2).
func (s *Service) OfferSetup(ctx context.Context) (link string, err error) {
	has, err := s.Store.HasUsers(ctx)
	if err != nil || has {
		return "", err
	}
	code := token.New(token.SetUp)
	if err := s.Store.OfferSetup(ctx, queryserver.Hash(code.Hash()), s.Now().Add(s.settings.Setup)); err != nil {
		return "", err
	}
	return s.settings.PublicURL + SetupPath + code.Reveal(), nil
}

// FinishSetup makes the first user, and logs him in at his browser.
func (s *Service) FinishSetup(ctx context.Context, code, secret string, first queryserver.FirstUser, client queryserver.Client) (*queryserver.OpenedSession, error) {
	presented, err := token.Parse(token.SetUp, code)
	if err != nil {
		return nil, errLinkOver()
	}
	has, err := s.Store.HasUsers(ctx) // else anybody could have passwords hashed
	if err != nil {
		return nil, err
	}
	if has {
		return nil, errLinkOver()
	}
	if err := s.Policy.Check(secret, password.Owner{Email: first.Email, Organization: first.Organization}); err != nil {
		return nil, err
	}
	hash, err := s.Hasher.Hash(ctx, secret)
	if err != nil {
		return nil, err
	}
	user, err := s.Store.FinishSetup(ctx, queryserver.Hash(presented.Hash()), first, hash)
	if is(err, queryserver.NotFound) {
		return nil, errLinkOver()
	}
	if err != nil {
		return nil, err
	}
	return s.open(ctx, user, opening{client: client, cookie: true, methods: []string{methodPassword}, account: s.account(first.Email)})
}
