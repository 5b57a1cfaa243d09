package auth

import (
	"context"
	"slices"
	"time"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// BeginEnrollment makes a secret for a user whose organization demands a second factor
// and who has none: he has proved his password and goes on with the challenge.
func (s *Service) BeginEnrollment(ctx context.Context, temporary string) (*queryserver.Enrollment, error) {
	challenge, _, err := s.enrolling(ctx, temporary)
	if err != nil {
		return nil, err
	}
	return s.BeginMFA(ctx, challenge.UserRef)
}

// FinishEnrollment makes the factor count, and ends the login with it. The recovery codes
// are shown here only.
func (s *Service) FinishEnrollment(ctx context.Context, factor queryserver.SecondFactor) (*queryserver.OpenedSession, []string, error) {
	challenge, hash, err := s.enrolling(ctx, factor.Temporary)
	if err != nil {
		return nil, nil, err
	}
	codes, err := s.confirm(ctx, challenge.UserRef, challenge.Account, challenge.Device, factor.Code, factor.Client)
	if err != nil {
		return nil, nil, err
	}
	if err := s.Store.EndChallenge(ctx, challenge.UserRef, hash); err != nil {
		return nil, nil, unproved(err)
	}
	methods := append(slices.Clone(challenge.Methods), methodCode, methodMFA)
	opened, err := s.open(ctx, challenge.UserRef, opening{factor.Client, factor.Device, factor.Cookie, methods, challenge.Account})
	return opened, codes, err
}

func (s *Service) enrolling(ctx context.Context, temporary string) (queryserver.Challenge, queryserver.Hash, error) {
	challenge, hash, err := s.challenge(ctx, temporary)
	if err == nil && !challenge.Enroll {
		err = queryserver.Errorf(queryserver.Conflict, "There is a second factor: give a code of it.")
	}
	return challenge, hash, err
}

// BeginMFASetup makes a secret for the user of a call, who proves himself once more: else
// whoever finds a session could lock its user out (ASVS 6.2.3, 7.5.1). It counts once
// ConfirmMFASetup has seen a code of it.
func (s *Service) BeginMFASetup(ctx context.Context, call *queryserver.Call, current string) (*queryserver.Enrollment, error) {
	ref, err := userOf(call)
	if err != nil {
		return nil, err
	}
	user, err := s.Store.User(ctx, ref)
	if err != nil {
		return nil, err
	}
	if user.HasMFA {
		return nil, queryserver.Errorf(queryserver.Conflict, "a second factor is set up already: remove it first")
	}
	if err := s.reauthenticate(ctx, call, ref, current, ""); err != nil {
		return nil, err
	}
	return s.BeginMFA(ctx, ref)
}

// ConfirmMFASetup makes it count, and gives the recovery codes.
func (s *Service) ConfirmMFASetup(ctx context.Context, call *queryserver.Call, code string) ([]string, error) {
	ref, err := userOf(call)
	if err != nil {
		return nil, err
	}
	user, err := s.Store.User(ctx, ref)
	if err != nil {
		return nil, err
	}
	return s.confirm(ctx, ref, s.account(user.Email), queryserver.Hash{}, code, call.Client)
}

// confirm makes a second factor count whose code is right. Wrong ones count as failed
// logins do.
func (s *Service) confirm(ctx context.Context, user queryserver.UserRef, account, device queryserver.Hash, code string, client queryserver.Client) ([]string, error) {
	lock, err := s.Store.LockOf(ctx, account, device)
	if err != nil {
		return nil, err
	}
	if lock.Locked(s.Now()) {
		return nil, errTooManyCodes(lock.Until.Sub(s.Now()))
	}
	codes, err := s.ConfirmMFA(ctx, user, code, client)
	if !is(err, queryserver.Invalid) {
		return codes, err
	}
	if lock, failed := s.Store.NoteFailure(ctx, account, device); failed != nil {
		return nil, failed
	} else if lock.Locked(s.Now()) {
		s.tellUser(ctx, user, queryserver.LockedLetter{Until: lock.Until, Client: client})
		return nil, errTooManyCodes(lock.Until.Sub(s.Now()))
	}
	return nil, err
}

func errTooManyCodes(after time.Duration) error {
	return &queryserver.Error{Code: queryserver.TooMany, Message: "Too many codes were wrong: try again later.", RetryAfter: max(after, time.Second)}
}
