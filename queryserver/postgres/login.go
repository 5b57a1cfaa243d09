package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/postgres/internal/dbgen"
)

// FindLogin finds the account of an e-mail address. False: there is none.
func (s *Store) FindLogin(ctx context.Context, email string) (account queryserver.Account, found bool, err error) {
	type row struct {
		User, Organization   tenant.ID
		Hash                 *string
		Enabled, MFA         bool
		SSOOnly, MFARequired bool
	}
	rows, err := call(ctx, s, pgx.RowToStructByPos[row], "find_login", email)
	if err != nil || len(rows) == 0 {
		return account, false, err
	}
	r := rows[0]
	account = queryserver.Account{
		UserRef: queryserver.UserRef{Organization: r.Organization, User: r.User}, Enabled: r.Enabled, HasMFA: r.MFA,
		Policy: queryserver.Policy{SSOOnly: r.SSOOnly, MFARequired: r.MFARequired},
	}
	if r.Hash != nil {
		account.PasswordHash = *r.Hash
	}
	return account, true, nil
}

// BeginLogin finds all that a login by password is judged by. The zero account is of an
// address that nobody has. The device counts only when it is known as the user's: then
// Known is it, and the lock is its own.
func (s *Store) BeginLogin(ctx context.Context, email string, account, device queryserver.Hash) (begun queryserver.BegunLogin, err error) {
	type row struct {
		User, Organization   *tenant.ID
		Hash                 *string
		Enabled, MFA         bool
		SSOOnly, MFARequired bool
		Known                bool
		Until                *time.Time
		ForGood              bool
	}
	rows, err := call(ctx, s, pgx.RowToStructByPos[row], "begin_login", email, account[:], device[:])
	if err != nil || len(rows) == 0 {
		return begun, err
	}
	r := rows[0]
	begun.Lock = queryserver.Lock{Until: timeOf(r.Until), ForGood: r.ForGood}
	if r.User == nil || r.Organization == nil {
		return begun, nil
	}
	begun.Exists = true
	begun.Account = queryserver.Account{
		UserRef: queryserver.UserRef{Organization: *r.Organization, User: *r.User}, Enabled: r.Enabled, HasMFA: r.MFA,
		Policy: queryserver.Policy{SSOOnly: r.SSOOnly, MFARequired: r.MFARequired},
	}
	if r.Hash != nil {
		begun.PasswordHash = *r.Hash
	}
	if r.Known {
		begun.Known = device
	}
	return begun, nil
}

// LockOf says whether an account is locked for a device. Accounts are keyed hashes of
// e-mail addresses, so that those nobody has are treated alike; the zero device is
// every browser that is not known.
func (s *Store) LockOf(ctx context.Context, account, device queryserver.Hash) (queryserver.Lock, error) {
	type row struct {
		Until   *time.Time
		ForGood bool
	}
	rows, err := call(ctx, s, pgx.RowToStructByPos[row], "login_lock", account[:], key(device))
	if err != nil || len(rows) == 0 {
		return queryserver.Lock{}, err
	}
	return queryserver.Lock{Until: timeOf(rows[0].Until), ForGood: rows[0].ForGood}, nil
}

// NoteFailure counts a failed login, of either factor, and says whether it locks.
func (s *Store) NoteFailure(ctx context.Context, account, device queryserver.Hash) (queryserver.Lock, error) {
	type row struct {
		Failures int32
		Until    *time.Time
	}
	rows, err := call(ctx, s, pgx.RowToStructByPos[row], "note_login_failure", account[:], key(device))
	if err != nil || len(rows) == 0 {
		return queryserver.Lock{}, err
	}
	return queryserver.Lock{Until: timeOf(rows[0].Until), Failures: int(rows[0].Failures)}, nil
}

// ClearFailures is for a login with all its factors, and for a password that was reset.
func (s *Store) ClearFailures(ctx context.Context, account queryserver.Hash) error {
	_, err := call(ctx, s, pgx.RowTo[any], "clear_login_failures", account[:])
	return err
}

// KnownDevice says whether a user has logged in from a browser before.
func (s *Store) KnownDevice(ctx context.Context, user queryserver.UserRef, device queryserver.Hash) (known bool, err error) {
	err = s.in(ctx, user.Organization, func(q *dbgen.Queries) error {
		n, err := q.FindDevice(ctx, user.User, device[:])
		known = n > 0
		return err
	})
	return known, err
}

// BeginChallenge keeps a login that lacks a factor.
func (s *Store) BeginChallenge(ctx context.Context, token queryserver.Hash, of queryserver.Challenge, expires time.Time) error {
	return s.in(ctx, of.Organization, func(q *dbgen.Queries) error {
		return q.InsertChallenge(ctx, dbgen.InsertChallengeParams{
			TokenHash: token[:], UserID: of.User, Methods: of.Methods, Details: encode(challengeDetails{of.Account[:], of.Device[:], of.Enroll}), ExpiresAt: expires,
		})
	})
}

type challengeDetails struct {
	Account []byte `json:"account"`
	Device  []byte `json:"device"`
	Enroll  bool   `json:"enroll"`
}

// TryChallenge counts a try at the missing factor. It is not found when the challenge is
// over, expired, or has been tried too often.
func (s *Store) TryChallenge(ctx context.Context, token queryserver.Hash, maxTries int) (challenge queryserver.Challenge, err error) {
	found, err := call(ctx, s, pgx.RowToStructByPos[queryserver.UserRef], "find_challenge", token[:])
	if err != nil {
		return challenge, err
	}
	if len(found) == 0 {
		return challenge, queryserver.Errorf(queryserver.NotFound, "there is no such challenge")
	}
	err = s.in(ctx, found[0].Organization, func(q *dbgen.Queries) error {
		row, err := q.TryChallenge(ctx, token[:], int32(maxTries))
		if err != nil {
			return err
		}
		var details challengeDetails
		challenge = queryserver.Challenge{UserRef: queryserver.UserRef{Organization: found[0].Organization, User: row.UserID}, Methods: row.Methods}
		err = decode(row.Details, &details)
		copy(challenge.Account[:], details.Account)
		copy(challenge.Device[:], details.Device)
		challenge.Enroll = details.Enroll
		return err
	})
	return challenge, err
}

// EndChallenge ends a challenge whose factor was set up; NotFound: it is over already.
func (s *Store) EndChallenge(ctx context.Context, user queryserver.UserRef, challenge queryserver.Hash) error {
	return s.in(ctx, user.Organization, func(q *dbgen.Queries) error { return found(q.ConsumeChallenge(ctx, challenge[:])) })
}

func key(device queryserver.Hash) []byte {
	if device == (queryserver.Hash{}) {
		return []byte{}
	}
	return device[:]
}

func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}
