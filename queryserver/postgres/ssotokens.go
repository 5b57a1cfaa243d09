package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/postgres/internal/dbgen"
)

const (
	kindSSOCode = "sso_code"
	kindSSOLink = "sso_link"
)

// codeDetails and linkDetails are how the table keeps what a token stands for.
type codeDetails struct {
	Methods   []string `json:"methods"`
	MFA       bool     `json:"mfa"`
	Challenge string   `json:"challenge"`
}

type linkDetails struct {
	Provider tenant.ID `json:"provider"`
	Issuer   string    `json:"issuer"`
	Subject  string    `json:"subject"`
	Email    string    `json:"email"`
	Browser  []byte    `json:"browser"`
}

// KeepSSOCode keeps a login that a program finishes by a code.
func (s *Store) KeepSSOCode(ctx context.Context, token queryserver.Hash, of *queryserver.SSOCode, expires time.Time) error {
	return s.in(ctx, of.Organization, func(q *dbgen.Queries) error {
		return q.InsertOneTimeToken(ctx, dbgen.InsertOneTimeTokenParams{
			TokenHash: token[:], Kind: kindSSOCode, UserID: &of.User, Details: encode(codeDetails{of.Methods, of.MFA, of.Challenge}), ExpiresAt: expires,
		})
	})
}

// TakeSSOCode gives it, once. NotFound: there is no such code, or not any more.
func (s *Store) TakeSSOCode(ctx context.Context, token queryserver.Hash) (of queryserver.SSOCode, err error) {
	err = s.take(ctx, kindSSOCode, token, func(_ *dbgen.Queries, user queryserver.UserRef, text []byte) error {
		var details codeDetails
		err := decode(text, &details)
		of = queryserver.SSOCode{UserRef: user, Methods: details.Methods, MFA: details.MFA, Challenge: details.Challenge}
		return err
	})
	return of, err
}

// KeepSSOLink keeps an identity until its user says that it is his. Earlier ones end.
func (s *Store) KeepSSOLink(ctx context.Context, client queryserver.Client, token queryserver.Hash, link *queryserver.SSOLink) error {
	return s.in(ctx, link.Organization, func(q *dbgen.Queries) error {
		if err := q.RevokeOneTimeTokens(ctx, &link.User, kindSSOLink); err != nil {
			return err
		}
		of := link.Identity
		err := q.InsertOneTimeToken(ctx, dbgen.InsertOneTimeTokenParams{
			TokenHash: token[:], Kind: kindSSOLink, UserID: &link.User, ExpiresAt: link.Expires,
			Details: encode(linkDetails{link.Provider, of.Issuer, of.Subject, of.Email, link.Browser[:]}),
		})
		if err != nil {
			return err
		}
		return audit(ctx, q, queryserver.Subject{Kind: queryserver.SystemSubject, ID: "sso"}, client, "identity.offer_link", link.User.String(), "success",
			map[string]any{"provider": link.Provider, "issuer": of.Issuer, "identitySubject": of.Subject, "email": of.Email})
	})
}

// FinishSSOLink links the identity, once. NotFound: there is no such token for the browser.
func (s *Store) FinishSSOLink(ctx context.Context, client queryserver.Client, token, browser queryserver.Hash) (link queryserver.SSOLink, err error) {
	err = s.take(ctx, kindSSOLink, token, func(q *dbgen.Queries, user queryserver.UserRef, text []byte) error {
		var details linkDetails
		if err := decode(text, &details); err != nil {
			return err
		}
		if queryserver.Hash(details.Browser) != browser {
			return queryserver.Errorf(queryserver.NotFound, "the link is another browser's")
		}
		link = queryserver.SSOLink{
			UserRef: user, Provider: details.Provider, Browser: browser,
			Identity: queryserver.Identity{Issuer: details.Issuer, Subject: details.Subject, Email: details.Email},
		}
		// Whether the provider may name the user was judged when the link was sent.
		return linkIdentity(ctx, q, client, user, &queryserver.Provider{ID: details.Provider}, &link.Identity)
	})
	return link, err
}

// take consumes a one-time token with what is done for it: all of it, or nothing.
func (s *Store) take(ctx context.Context, kind string, token queryserver.Hash, do func(q *dbgen.Queries, user queryserver.UserRef, details []byte) error) error {
	type row struct{ Organization, User *tenant.ID }
	rows, err := call(ctx, s, pgx.RowToStructByPos[row], "find_one_time_token", kind, token[:])
	if err != nil || len(rows) == 0 || rows[0].Organization == nil {
		return orNotFound(err, "the code is not valid, or not any more")
	}
	return s.in(ctx, *rows[0].Organization, func(q *dbgen.Queries) error {
		taken, err := q.ConsumeOneTimeToken(ctx, token[:], kind)
		if err != nil {
			return err
		}
		if _, err := q.GetUser(ctx, *taken.UserID); err != nil {
			return err // he was deleted
		}
		return do(q, queryserver.UserRef{Organization: *rows[0].Organization, User: *taken.UserID}, taken.Details)
	})
}
