package auth

import (
	"context"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/password"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/token"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/totp"
)

// reauthenticate proves the user of a call once more before a credential changes (ASVS
// 6.2.3, 7.5.1): by the password, and by a code where there is a second factor. Who has
// neither logs in at an identity provider, and must have done so a moment ago. Failures
// count as those of a login do.
func (s *Service) reauthenticate(ctx context.Context, call *queryserver.Call, user queryserver.UserRef, current, code string) error {
	profile, err := s.Store.User(ctx, user)
	if err != nil {
		return err
	}
	account := s.account(profile.Email)
	lock, err := s.Store.LockOf(ctx, account, queryserver.Hash{})
	if err != nil {
		return err
	}
	credentials, err := s.Store.Credentials(ctx, user)
	if err != nil {
		return err
	}
	if credentials.PasswordHash == "" && !credentials.TOTPActive {
		return s.fresh(ctx, call)
	}
	right := !lock.Locked(s.Now())
	if credentials.PasswordHash != "" {
		if right, err = s.verify(ctx, current, credentials.PasswordHash, right); err != nil {
			return err
		}
	}
	if right && credentials.TOTPActive {
		if right, err = s.takeCode(ctx, user, code); err != nil {
			return err
		}
	}
	if !right {
		return s.refuse(ctx, failure{account: account, user: user, exists: true, locked: lock.Locked(s.Now()), client: call.Client, factor: "reauthentication"})
	}
	return s.Store.ClearFailures(ctx, account)
}

// verify compares a password, at the same cost when none is let through.
func (s *Service) verify(ctx context.Context, current, hash string, let bool) (bool, error) {
	if !let {
		hash = ""
	}
	verdict, err := s.Hasher.VerifyKnown(ctx, current, hash)
	return verdict.Right, err
}

// freshFor is how long after a login a user without a password and a second factor may
// change what he proves himself with: long enough to find the page and to do it.
const freshFor = 10 * time.Minute

// fresh wants the session of a call to have begun a moment ago.
func (s *Service) fresh(ctx context.Context, call *queryserver.Call) error {
	session, err := s.Store.FindSession(ctx, call.Session)
	if err != nil {
		return unproved(err)
	}
	if s.Now().Sub(session.CreatedAt) > freshFor {
		return queryserver.Errorf(queryserver.Unauthenticated, "Log in again first: this is done within 10 minutes of a login.")
	}
	return nil
}

// takeCode accepts a code of the app, or a recovery code, outside of a login, once.
func (s *Service) takeCode(ctx context.Context, user queryserver.UserRef, code string) (bool, error) {
	if recovery, err := totp.ParseRecoveryCode(code); err == nil {
		number, err := s.findRecoveryCode(ctx, user, recovery)
		if err != nil || number == 0 {
			return false, err
		}
		return s.Store.UseRecoveryCode(ctx, user, number)
	}
	step, ok, err := s.match(ctx, user, code)
	if err != nil || !ok {
		return false, err
	}
	return s.Store.TakeTOTPStep(ctx, user, step)
}

// ChangePassword sets a new password for the user of a call, and ends his other sessions.
func (s *Service) ChangePassword(ctx context.Context, call *queryserver.Call, current, code, next string) error {
	user, err := userOf(call)
	if err != nil {
		return err
	}
	if err := s.reauthenticate(ctx, call, user, current, code); err != nil {
		return err
	}
	hash, err := s.newHash(ctx, user, next)
	if err != nil {
		return err
	}
	if err := s.Store.SetPassword(ctx, call.Subject, call.Client, user, hash, call.Session); err != nil {
		return err
	}
	s.tellUser(ctx, user, queryserver.CredentialLetter{Changed: "your password", At: s.Now(), Client: call.Client})
	return nil
}

// newHash hashes a password that the policy lets through.
func (s *Service) newHash(ctx context.Context, ref queryserver.UserRef, next string) (string, error) {
	user, err := s.Store.User(ctx, ref)
	if err != nil {
		return "", err
	}
	if err := s.Policy.Check(next, password.Owner{Email: user.Email, MFA: user.HasMFA}); err != nil {
		return "", err
	}
	return s.Hasher.Hash(ctx, next)
}

// RequestReset sends a link to a new password, if the address is a user's who has one. It
// takes the same time and gives the same answer whether it is (ASVS 6.3.8).
func (s *Service) RequestReset(ctx context.Context, email string, client queryserver.Client) error {
	began := time.Now() // of the machine: it is awaited
	defer func() { s.Hasher.AwaitRefusal(ctx, began) }()
	user, exists, err := s.Store.FindLogin(ctx, normal(email))
	if err != nil || !exists || !user.Enabled || user.Policy.SSOOnly {
		return err
	}
	by := queryserver.Subject{Kind: queryserver.UserSubject, ID: user.User.String()}
	letter, err := s.beginReset(ctx, by, client, user.UserRef, s.settings.ResetsPerHour)
	if is(err, queryserver.TooMany) {
		return nil // it would tell that there is such a user
	}
	if err == nil {
		s.tellUser(ctx, user.UserRef, letter)
	}
	return err
}

// ResetPath is that of the page that a reset leads to; the code follows a #, so that it is
// in no log.
const ResetPath = "/reset"

func (s *Service) beginReset(ctx context.Context, by queryserver.Subject, client queryserver.Client, user queryserver.UserRef, maxPerHour int) (queryserver.ResetLetter, error) {
	link := token.New(token.Reset)
	letter := queryserver.ResetLetter{
		Link: s.settings.PublicURL + ResetPath + "#" + link.Reveal(), Expires: s.Now().Add(s.settings.Reset), Client: client,
	}
	return letter, s.Store.BeginReset(ctx, by, client, user, queryserver.Hash(link.Hash()), letter.Expires, maxPerHour)
}

// FinishReset sets a new password for the link of an e-mail, once. It does not log in:
// a second factor is still asked for (ASVS 6.4.3).
func (s *Service) FinishReset(ctx context.Context, link, next string, client queryserver.Client) error {
	presented, err := token.Parse(token.Reset, link)
	if err != nil {
		return errLinkOver()
	}
	hash := queryserver.Hash(presented.Hash())
	user, err := s.Store.FindReset(ctx, hash)
	if is(err, queryserver.NotFound) {
		return errLinkOver()
	}
	if err != nil {
		return err
	}
	made, err := s.newHash(ctx, user, next)
	if err != nil {
		return err
	}
	err = s.Store.FinishReset(ctx, client, user, hash, made)
	if is(err, queryserver.NotFound) {
		return errLinkOver()
	}
	if err != nil {
		return err
	}
	profile, err := s.Store.User(ctx, user)
	if err != nil {
		return err
	}
	s.tell(ctx, profile.Email, queryserver.CredentialLetter{Changed: "your password", At: s.Now(), Client: client})
	return s.Store.ClearFailures(ctx, s.account(profile.Email))
}

func errLinkOver() error {
	return queryserver.Errorf(queryserver.Invalid, "The link is not valid, or not any more: ask for another one.")
}

// RemoveMFA removes the second factor of the user of a call.
func (s *Service) RemoveMFA(ctx context.Context, call *queryserver.Call, current, code string) error {
	user, err := userOf(call)
	if err != nil {
		return err
	}
	if err := s.reauthenticate(ctx, call, user, current, code); err != nil {
		return err
	}
	if err := s.Store.RemoveTOTP(ctx, call.Subject, call.Client, user); err != nil {
		return err
	}
	s.changed(user)
	s.tellUser(ctx, user, queryserver.CredentialLetter{Changed: "your second factor", At: s.Now(), Client: call.Client})
	return nil
}

// NewRecoveryCodes replaces the recovery codes of the user of a call.
func (s *Service) NewRecoveryCodes(ctx context.Context, call *queryserver.Call, current, code string) ([]string, error) {
	user, err := userOf(call)
	if err != nil {
		return nil, err
	}
	if err := s.reauthenticate(ctx, call, user, current, code); err != nil {
		return nil, err
	}
	shown, hashes := newRecoveryCodes()
	if err := s.Store.SetRecoveryCodes(ctx, call.Client, user, hashes); err != nil {
		return nil, err
	}
	s.tellUser(ctx, user, queryserver.CredentialLetter{Changed: "your recovery codes", At: s.Now(), Client: call.Client})
	return shown, nil
}

// Sessions are those of the user of a call that have not ended.
func (s *Service) Sessions(ctx context.Context, call *queryserver.Call) ([]queryserver.Session, error) {
	user, err := userOf(call)
	if err != nil {
		return nil, err
	}
	return s.Store.Sessions(ctx, user)
}

// EndSession ends one of them; NotFound: it is none of his.
func (s *Service) EndSession(ctx context.Context, call *queryserver.Call, id tenant.ID) error {
	user, err := userOf(call)
	if err != nil {
		return err
	}
	return s.end(ctx, call, user, id, "ended by the user")
}

// EndOtherSessions ends all but that of the call, and says how many.
func (s *Service) EndOtherSessions(ctx context.Context, call *queryserver.Call) (int, error) {
	user, err := userOf(call)
	if err != nil {
		return 0, err
	}
	return s.Store.EndSessions(ctx, call.Subject, call.Client, user, call.Session, "ended by the user")
}
