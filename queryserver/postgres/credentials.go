package postgres

import (
	"context"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/postgres/internal/dbgen"
)

// Credentials reads what a user proves himself with; none at all is no error.
func (s *Store) Credentials(ctx context.Context, user queryserver.UserRef) (credentials queryserver.Credentials, err error) {
	err = s.in(ctx, user.Organization, func(q *dbgen.Queries) error {
		row, err := q.GetCredentials(ctx, user.User)
		if isNone(err) {
			return nil
		}
		if err != nil {
			return err
		}
		credentials = queryserver.Credentials{TOTPSecret: row.TotpSecret, TOTPActive: row.TotpConfirmedAt != nil, LastStep: row.TotpLastStep}
		if row.PasswordHash != nil {
			credentials.PasswordHash = *row.PasswordHash
		}
		return nil
	})
	return credentials, err
}

// SetPassword sets a password and ends the user's sessions, but perhaps one.
func (s *Store) SetPassword(ctx context.Context, by queryserver.Subject, client queryserver.Client, user queryserver.UserRef, hash string, but tenant.ID) error {
	return s.in(ctx, user.Organization, func(q *dbgen.Queries) error {
		if err := q.SetPassword(ctx, user.User, &hash); err != nil {
			return err
		}
		ended, err := endSessions(ctx, q, user, but, "the password was changed")
		if err != nil {
			return err
		}
		return audit(ctx, q, by, client, "user.set_password", user.User.String(), "success", map[string]any{"sessionsEnded": ended})
	})
}

// Rehash replaces a hash by one of the same password under today's parameters.
func (s *Store) Rehash(ctx context.Context, user queryserver.UserRef, old, hash string) error {
	return s.in(ctx, user.Organization, func(q *dbgen.Queries) error {
		_, err := q.Rehash(ctx, user.User, &hash, &old)
		return err
	})
}

// PassTOTP accepts the code of a step as the missing factor of a challenge: false when the
// step, or the challenge, was used before.
func (s *Store) PassTOTP(ctx context.Context, user queryserver.UserRef, challenge queryserver.Hash, step int64) (passed bool, err error) {
	return s.pass(ctx, user, challenge, func(q *dbgen.Queries) (int64, error) { return q.TakeTOTPStep(ctx, user.User, step) })
}

// PassRecoveryCode does so with a recovery code, by its number.
func (s *Store) PassRecoveryCode(ctx context.Context, user queryserver.UserRef, challenge queryserver.Hash, number int) (passed bool, err error) {
	return s.pass(ctx, user, challenge, func(q *dbgen.Queries) (int64, error) { return q.UseRecoveryCode(ctx, user.User, int32(number)) })
}

// pass takes the challenge and the factor, both or neither.
func (s *Store) pass(ctx context.Context, user queryserver.UserRef, challenge queryserver.Hash, factor func(q *dbgen.Queries) (int64, error)) (passed bool, err error) {
	err = s.in(ctx, user.Organization, func(q *dbgen.Queries) error {
		taken, err := factor(q)
		if err != nil || taken == 0 {
			return err
		}
		ended, err := q.ConsumeChallenge(ctx, challenge[:])
		if err != nil {
			return err
		}
		if ended == 0 {
			return queryserver.Errorf(queryserver.NotFound, "the challenge is over")
		}
		passed = true
		return nil
	})
	return passed && err == nil, err
}

// TakeTOTPStep accepts a code outside of a login, such as before a change of the password.
func (s *Store) TakeTOTPStep(ctx context.Context, user queryserver.UserRef, step int64) (taken bool, err error) {
	err = s.in(ctx, user.Organization, func(q *dbgen.Queries) error {
		n, err := q.TakeTOTPStep(ctx, user.User, step)
		taken = n == 1
		return err
	})
	return taken, err
}

// SetTOTP keeps a new sealed secret, which counts once ConfirmTOTP has seen a code of it.
// Conflict: there is one that counts.
func (s *Store) SetTOTP(ctx context.Context, user queryserver.UserRef, sealed []byte) error {
	return s.in(ctx, user.Organization, func(q *dbgen.Queries) error {
		set, err := q.SetTOTP(ctx, user.User, sealed)
		if err == nil && set == 0 {
			return queryserver.Errorf(queryserver.Conflict, "a second factor is set up already: remove it first")
		}
		return err
	})
}

// ConfirmTOTP makes the second factor count, with its recovery codes.
func (s *Store) ConfirmTOTP(ctx context.Context, client queryserver.Client, user queryserver.UserRef, step int64, codeHashes []string) error {
	return s.in(ctx, user.Organization, func(q *dbgen.Queries) error {
		confirmed, err := q.ConfirmTOTP(ctx, user.User, step)
		if err != nil {
			return err
		}
		if confirmed == 0 {
			return queryserver.Errorf(queryserver.Conflict, "no second factor waits to be confirmed")
		}
		if err := replaceCodes(ctx, q, user, codeHashes); err != nil {
			return err
		}
		return audit(ctx, q, userSubject(user), client, "user.enable_mfa", user.User.String(), "success", nil)
	})
}

// SetRecoveryCodes replaces all recovery codes.
func (s *Store) SetRecoveryCodes(ctx context.Context, client queryserver.Client, user queryserver.UserRef, codeHashes []string) error {
	return s.in(ctx, user.Organization, func(q *dbgen.Queries) error {
		if err := replaceCodes(ctx, q, user, codeHashes); err != nil {
			return err
		}
		return audit(ctx, q, userSubject(user), client, "user.set_recovery_codes", user.User.String(), "success", nil)
	})
}

func replaceCodes(ctx context.Context, q *dbgen.Queries, user queryserver.UserRef, codeHashes []string) error {
	if err := q.ClearRecoveryCodes(ctx, user.User); err != nil {
		return err
	}
	for i, hash := range codeHashes {
		if err := q.AddRecoveryCode(ctx, user.User, int32(i+1), hash); err != nil {
			return err
		}
	}
	return nil
}

// RecoveryCodes are the hashes of those that are left, by number.
func (s *Store) RecoveryCodes(ctx context.Context, user queryserver.UserRef) (hashes map[int]string, err error) {
	hashes = make(map[int]string)
	err = s.in(ctx, user.Organization, func(q *dbgen.Queries) error {
		rows, err := q.ListRecoveryCodes(ctx, user.User)
		for _, row := range rows {
			hashes[int(row.Number)] = row.CodeHash
		}
		return err
	})
	return hashes, err
}

// RemoveTOTP removes the second factor with its recovery codes.
func (s *Store) RemoveTOTP(ctx context.Context, by queryserver.Subject, client queryserver.Client, user queryserver.UserRef) error {
	return s.in(ctx, user.Organization, func(q *dbgen.Queries) error {
		if err := removeTOTP(ctx, q, user); err != nil {
			return err
		}
		return audit(ctx, q, by, client, "user.disable_mfa", user.User.String(), "success", nil)
	})
}

// ResetTOTP does so for a user who has lost the device, which may be in other hands now:
// his sessions end, and no browser is known as his any more.
func (s *Store) ResetTOTP(ctx context.Context, by queryserver.Subject, client queryserver.Client, user queryserver.UserRef) error {
	return s.in(ctx, user.Organization, func(q *dbgen.Queries) error {
		if err := removeTOTP(ctx, q, user); err != nil {
			return err
		}
		ended, err := endSessions(ctx, q, user, tenant.ID{}, "the second factor was reset")
		if err != nil {
			return err
		}
		if err := q.ForgetDevices(ctx, user.User); err != nil {
			return err
		}
		return audit(ctx, q, by, client, "user.reset_mfa", user.User.String(), "success", map[string]any{"sessionsEnded": ended})
	})
}

func removeTOTP(ctx context.Context, q *dbgen.Queries, user queryserver.UserRef) error {
	removed, err := q.RemoveTOTP(ctx, user.User)
	if err != nil {
		return err
	}
	if removed == 0 {
		return queryserver.Errorf(queryserver.NotFound, "there is no second factor")
	}
	return q.ClearRecoveryCodes(ctx, user.User)
}

// UseRecoveryCode accepts a recovery code outside of a login, by its number, once.
func (s *Store) UseRecoveryCode(ctx context.Context, user queryserver.UserRef, number int) (used bool, err error) {
	err = s.in(ctx, user.Organization, func(q *dbgen.Queries) error {
		n, err := q.UseRecoveryCode(ctx, user.User, int32(number))
		used = n == 1
		return err
	})
	return used, err
}
