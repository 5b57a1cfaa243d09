package auth

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/token"
)

// The methods by which users prove themselves (RFC 8176).
const (
	methodPassword = "pwd"
	methodCode     = "otp"
	methodRecovery = "rcv" // none of the registry's
	methodMFA      = "mfa"
)

// Login proves a user by his password. It is refused with one error and in one time,
// whatever was wrong (ASVS 6.3.8), and each failure counts.
func (s *Service) Login(ctx context.Context, attempt queryserver.LoginAttempt) (*queryserver.LoginResult, error) {
	began := time.Now() // of the machine: it is awaited
	account := s.account(attempt.Email)
	user, err := s.prove(ctx, attempt, account)
	if is(err, queryserver.Unauthenticated) {
		s.Hasher.AwaitRefusal(ctx, began)
	}
	if err != nil {
		return nil, err
	}
	return s.admit(ctx, user.Account, account, opening{
		client: attempt.Client, device: attempt.Device, cookie: attempt.Cookie, methods: []string{methodPassword},
	})
}

// admit opens a session for a user who has proved his password, or a challenge when a
// second factor is still missing.
func (s *Service) admit(ctx context.Context, user queryserver.Account, account queryserver.Hash, o opening) (*queryserver.LoginResult, error) {
	if !user.HasMFA && !user.Policy.MFARequired {
		o.account = account
		opened, err := s.open(ctx, user.UserRef, o)
		return &queryserver.LoginResult{Session: opened}, err
	}
	temporary := token.New(token.Challenge)
	challenge := queryserver.Challenge{UserRef: user.UserRef, Methods: o.methods, Account: account, Enroll: !user.HasMFA}
	var err error
	if challenge.Device, err = s.knownDevice(ctx, user.UserRef, o.device); err != nil {
		return nil, err
	}
	if err := s.Store.BeginChallenge(ctx, queryserver.Hash(temporary.Hash()), challenge, s.Now().Add(s.settings.Challenge)); err != nil {
		return nil, err
	}
	return &queryserver.LoginResult{Temporary: temporary.Reveal(), Enroll: challenge.Enroll}, nil
}

// prove checks the password. Every path costs one hash.
func (s *Service) prove(ctx context.Context, attempt queryserver.LoginAttempt, account queryserver.Hash) (user queryserver.BegunLogin, err error) {
	user, err = s.Store.BeginLogin(ctx, normal(attempt.Email), account, deviceOf(attempt.Device))
	if err != nil {
		return user, err
	}
	hash, locked := user.PasswordHash, user.Lock.Locked(s.Now())
	if !user.Exists || !user.Enabled || user.Policy.SSOOnly || locked {
		hash = "" // no password is right
	}
	verify := s.Hasher.Verify
	if user.Known != (queryserver.Hash{}) {
		verify = s.Hasher.VerifyKnown
	}
	verdict, err := verify(ctx, attempt.Password, hash)
	if err != nil {
		return user, err
	}
	if verdict.Right {
		s.rehash(ctx, &user.Account, attempt.Password, verdict.NeedsRehash)
		return user, nil
	}
	return user, s.refuse(ctx, failure{account: account, device: user.Known, user: user.UserRef, exists: user.Exists, locked: locked, client: attempt.Client, factor: "password"})
}

// rehash brings a hash up to today's parameters, now that the password is known.
func (s *Service) rehash(ctx context.Context, user *queryserver.Account, password string, needed bool) {
	if !needed {
		return
	}
	hash, err := s.Hasher.Hash(ctx, password)
	if err == nil {
		err = s.Store.Rehash(ctx, user.UserRef, user.PasswordHash, hash)
	}
	if err != nil {
		s.Logger.WarnContext(ctx, "A password could not be hashed anew; the next login tries again.", slog.Any("error", err))
	}
}

// knownDevice is the hash of a browser from which the user has logged in before, else zero.
func (s *Service) knownDevice(ctx context.Context, user queryserver.UserRef, cookie string) (queryserver.Hash, error) {
	device := deviceOf(cookie)
	if device == (queryserver.Hash{}) {
		return device, nil
	}
	known, err := s.Store.KnownDevice(ctx, user, device)
	if err != nil || !known {
		return queryserver.Hash{}, err
	}
	return device, nil
}

// deviceOf is the hash of the cookie by which a browser may be known, else zero.
func deviceOf(cookie string) queryserver.Hash {
	device, err := token.Parse(token.Device, cookie)
	if err != nil {
		return queryserver.Hash{}
	}
	return queryserver.Hash(device.Hash())
}

// failure is a factor that was wrong.
type failure struct {
	account, device queryserver.Hash
	user            queryserver.UserRef
	exists, locked  bool
	client          queryserver.Client
	factor          string
}

// refuse counts a failure and makes the one answer to all of them. A locked account does
// not count on, or an attacker could keep its owner out for ever.
func (s *Service) refuse(ctx context.Context, f failure) error {
	lock := queryserver.Lock{}
	if !f.locked {
		var err error
		if lock, err = s.Store.NoteFailure(ctx, f.account, f.device); err != nil {
			return err
		}
	}
	if f.exists {
		s.note(ctx, f.user, f.client, "user.login", "failure", map[string]any{"factor": f.factor, "locked": f.locked || lock.Locked(s.Now())})
		if lock.Locked(s.Now()) {
			s.tellUser(ctx, f.user, queryserver.LockedLetter{Until: lock.Until, Client: f.client})
		}
	}
	return s.refusal(f.locked, lock)
}

// maxFailures lock an account; the schema counts them.
const maxFailures = 5

func (s *Service) refusal(locked bool, lock queryserver.Lock) error {
	message := "The e-mail address, the password or the code is wrong, or the account is locked."
	if s.settings.DiscloseLockout {
		switch left := maxFailures - lock.Failures; {
		case locked || lock.Locked(s.Now()):
			return queryserver.Errorf(queryserver.Forbidden, "Account locked for 15 minutes")
		default:
			message = fmt.Sprintf("Invalid credentials (%d attempts remaining)", left)
		}
	}
	return queryserver.Errorf(queryserver.Unauthenticated, "%s", message)
}
