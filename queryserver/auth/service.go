package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/jwt"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/password"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/seal"
)

// Dependencies are what a Service works with.
type Dependencies struct {
	Store Store
	// Authority is what calls are judged by: the store, or a cache before it.
	Authority queryserver.Authority
	// Changed tells a cache of a change at once, by the kind and the subject of the change
	// feed, which tells every server soon. May be nil.
	Changed func(kind, subject string, organization tenant.ID)
	Hasher  *password.Hasher
	Policy  *password.Policy
	Sealer  *seal.Sealer
	Tokens  *jwt.Tokens
	Mailer  queryserver.Mailer
	// Identities speaks with identity providers, and Resolver with name servers.
	Identities IdentityProviders
	Resolver   Resolver
	// AccountKey keys the hashes of e-mail addresses under which failures are counted. It
	// is the same on all servers.
	AccountKey []byte
	Logger     *slog.Logger
	Now        func() time.Time
}

// Service is safe for concurrent use.
type Service struct {
	Dependencies
	settings Settings
	touched  touches
	letters  sync.WaitGroup // e-mails under way
}

// accountKeyBytes is the least length of the account key: as strong as the hash.
const accountKeyBytes = 32

// New makes a service.
func New(settings Settings, dependencies Dependencies) (*Service, error) {
	if err := settings.Validate(); err != nil {
		return nil, err
	}
	if len(dependencies.AccountKey) < accountKeyBytes {
		return nil, errors.New("the account key must have 32 bytes")
	}
	if dependencies.Changed == nil {
		dependencies.Changed = func(string, string, tenant.ID) {}
	}
	if dependencies.Now == nil {
		dependencies.Now = time.Now
	}
	return &Service{Dependencies: dependencies, settings: settings, touched: touches{at: make(map[string]time.Time)}}, nil
}

// Close waits for e-mails that are under way.
func (s *Service) Close() { s.letters.Wait() }

// account is what failures of an e-mail address are counted under, whoever has it.
func (s *Service) account(email string) (hash queryserver.Hash) {
	mac := hmac.New(sha256.New, s.AccountKey)
	mac.Write([]byte(normal(email)))
	mac.Sum(hash[:0])
	return hash
}

// normal is the form in which addresses are compared.
func normal(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// letterTime bounds an e-mail that nobody waits for.
const letterTime = 30 * time.Second

// tell sends an e-mail. Nobody waits for it: the time must not say whether one is sent.
func (s *Service) tell(ctx context.Context, to string, letter queryserver.Letter) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), letterTime)
	s.letters.Go(func() {
		defer cancel()
		if err := s.Mailer.Send(ctx, to, letter); err != nil {
			s.Logger.WarnContext(ctx, "An e-mail could not be sent.", slog.Any("error", err))
		}
	})
}

// tellUser sends an e-mail to a user.
func (s *Service) tellUser(ctx context.Context, ref queryserver.UserRef, letter queryserver.Letter) {
	user, err := s.Store.User(ctx, ref)
	if err != nil {
		s.Logger.WarnContext(ctx, "An e-mail could not be sent: its receiver could not be read.", slog.Any("error", err))
		return
	}
	s.tell(ctx, user.Email, letter)
}

// note writes an entry of the audit trail for what changed nothing. That it cannot be
// written is no reason to answer otherwise.
func (s *Service) note(ctx context.Context, user queryserver.UserRef, client queryserver.Client, action, outcome string, detail map[string]any) {
	by := queryserver.Subject{Kind: queryserver.UserSubject, ID: user.User.String()}
	if err := s.Store.Audit(context.WithoutCancel(ctx), user.Organization, by, client, action, user.User.String(), outcome, detail); err != nil {
		s.Logger.ErrorContext(ctx, "An entry of the audit trail could not be written.", slog.String("action", action), slog.Any("error", err))
	}
}

func is(err error, code queryserver.Code) bool { return err != nil && queryserver.CodeOf(err) == code }
