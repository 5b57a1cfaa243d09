package auth

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/seal"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/token"
)

// methodSSO is a proof at an identity provider; the registry of RFC 8176 has none for it.
const methodSSO = "sso"

// challengeForm is the base64url of a SHA-256 (RFC 7636 section 4.2).
var challengeForm = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// keptLogin is what is kept, sealed, while a browser is at a provider.
type keptLogin struct {
	Pending    []byte           `json:"pending"`
	ReturnTo   string           `json:"returnTo"`
	Invitation queryserver.Hash `json:"invitation"`
	Challenge  string           `json:"challenge"` // of a program
	// User is who links an identity from Session; zero: nobody, it is a login.
	User    queryserver.UserRef `json:"user"`
	Session tenant.ID           `json:"session"`
}

func pendingRow(state queryserver.Hash) seal.Row {
	return seal.Row{Table: "sso_logins", Column: "pending", ID: string(state[:])}
}

// BeginSSO sends a browser to a provider.
func (s *Service) BeginSSO(ctx context.Context, begin *queryserver.SSOBegin) (*queryserver.SSOBegun, error) {
	kept := keptLogin{Challenge: begin.CodeChallenge}
	if begin.CodeChallenge != "" && !challengeForm.MatchString(begin.CodeChallenge) {
		return nil, queryserver.Errorf(queryserver.Invalid, "The code challenge must be the base64url of a SHA-256, of 43 characters.")
	}
	if begin.Invitation != "" {
		invitation, err := token.Parse(token.Invitation, begin.Invitation)
		if err != nil {
			return nil, errLinkOver()
		}
		kept.Invitation = queryserver.Hash(invitation.Hash())
	}
	provider, err := s.findProvider(ctx, begin)
	if err != nil {
		return nil, err
	}
	return s.beginAt(ctx, &provider, begin, kept)
}

func (s *Service) beginAt(ctx context.Context, provider *queryserver.Provider, begin *queryserver.SSOBegin, kept keptLogin) (*queryserver.SSOBegun, error) {
	secret, err := s.secretOf(provider)
	if err != nil {
		return nil, err
	}
	login, err := s.Identities.Begin(ctx, provider, secret, ProviderRequest{
		RedirectURI: s.redirectURI(provider), ReturnTo: begin.ReturnTo, LoginHint: begin.Email,
	})
	if err != nil {
		return nil, err
	}
	kept.Pending, kept.ReturnTo = login.Pending, login.ReturnTo
	text, err := json.Marshal(kept)
	if err != nil {
		return nil, fmt.Errorf("keep a login at a provider: %w", err)
	}
	pending := queryserver.PendingSSO{Provider: provider.ID, Sealed: []byte(s.Sealer.Seal(text, pendingRow(login.State)))}
	if err := s.Store.BeginSSO(ctx, login.State, sha256.Sum256([]byte(login.Cookie)), pending, login.Expires); err != nil {
		return nil, err
	}
	return &queryserver.SSOBegun{URL: login.URL, Cookie: login.Cookie}, nil
}

// errSignIn is the one answer to whoever comes back and is not proved, as package sso has it.
func errSignIn() error {
	return queryserver.Errorf(queryserver.Unauthenticated, "The sign-in could not be verified. Start again.")
}

// errNobody is the one answer to whoever is proved and may not come in.
func errNobody() error {
	return queryserver.Errorf(queryserver.Forbidden, "No user belongs to this sign-in. Ask an administrator for an invitation, or link the sign-in from your account.")
}

// FinishSSO takes the login of a browser that comes back, once, and goes on with it.
func (s *Service) FinishSSO(ctx context.Context, back *queryserver.SSOReturn) (*queryserver.SSOResult, error) {
	provider, kept, err := s.takeLogin(ctx, back)
	if err != nil {
		return nil, err
	}
	secret, err := s.secretOf(&provider)
	if err != nil {
		return nil, err
	}
	identity, err := s.Identities.Finish(ctx, &provider, secret, kept.Pending, back.Query, back.Cookie)
	if err != nil {
		s.Logger.WarnContext(ctx, "A sign-in was not finished.", slog.String("provider", provider.ID.String()), slog.Any("error", err))
		return nil, err
	}
	if !kept.Session.IsZero() {
		return &queryserver.SSOResult{ReturnTo: kept.ReturnTo}, s.linkInSession(ctx, &provider, &identity, &kept, back.Client)
	}
	user, proof, err := s.arrive(ctx, &provider, &identity, kept.Invitation, back.Client)
	if err != nil || proof != "" {
		return &queryserver.SSOResult{ReturnTo: kept.ReturnTo, LinkProof: proof}, err
	}
	return s.enter(ctx, user, &identity, &kept, back)
}

// takeLogin finds the login that a browser comes back from. Its URL must be that of the
// provider where it began (RFC 9700 section 4.4).
func (s *Service) takeLogin(ctx context.Context, back *queryserver.SSOReturn) (provider queryserver.Provider, kept keptLogin, err error) {
	state, err := s.Identities.State(back.Query)
	if err != nil {
		return provider, kept, err
	}
	taken, err := s.Store.FinishSSO(ctx, state, sha256.Sum256([]byte(back.Cookie)))
	if is(err, queryserver.NotFound) {
		return provider, kept, errSignIn()
	}
	if err != nil {
		return provider, kept, err
	}
	text, err := s.Sealer.Open(string(taken.Sealed), pendingRow(state))
	if err != nil {
		return provider, kept, err
	}
	if err := json.Unmarshal(text, &kept); err != nil {
		return provider, kept, fmt.Errorf("read a login at a provider: %w", err)
	}
	provider, err = s.Store.LoginProvider(ctx, taken.Provider)
	if is(err, queryserver.NotFound) || err == nil && provider.Segment() != back.Provider {
		return provider, kept, errSignIn()
	}
	return provider, kept, err
}

// enter goes on with a user who is proved: with a session, the second factor, or the code
// of a program.
func (s *Service) enter(ctx context.Context, user queryserver.UserRef, identity *queryserver.Identity, kept *keptLogin, back *queryserver.SSOReturn) (*queryserver.SSOResult, error) {
	result := &queryserver.SSOResult{ReturnTo: kept.ReturnTo}
	methods := []string{methodSSO}
	if identity.MFA {
		methods = append(methods, methodMFA)
	}
	if kept.Challenge != "" {
		code := token.New(token.LoginCode)
		result.Code = code.Reveal()
		of := queryserver.SSOCode{UserRef: user, Methods: methods, MFA: identity.MFA, Challenge: kept.Challenge}
		return result, s.Store.KeepSSOCode(ctx, queryserver.Hash(code.Hash()), &of, s.Now().Add(ssoCodeLife))
	}
	login, err := s.proceed(ctx, user, methods, identity.MFA, opening{client: back.Client, device: back.Device, cookie: true})
	if err != nil {
		return nil, err
	}
	result.LoginResult = *login
	return result, nil
}

// proceed opens the session of a user who is proved at a provider, or begins the challenge
// of a second factor that the user has or his organization demands. A provider that does
// not say that it has seen two counts as one (ASVS 6.3.4, 6.8.4).
func (s *Service) proceed(ctx context.Context, user queryserver.UserRef, methods []string, mfa bool, o opening) (*queryserver.LoginResult, error) {
	account, email, err := s.Store.Account(ctx, user)
	if err != nil {
		return nil, err
	}
	if !account.Enabled {
		s.note(ctx, user, o.client, "user.login", "failure", map[string]any{"factor": methodSSO, "disabled": true})
		return nil, errNobody()
	}
	o.methods = methods
	if mfa || !account.HasMFA && !account.Policy.MFARequired {
		// Failures of a password are not cleared, which nobody has given here.
		opened, err := s.open(ctx, user, o)
		return &queryserver.LoginResult{Session: opened}, err
	}
	return s.admit(ctx, account, s.account(email), o)
}
