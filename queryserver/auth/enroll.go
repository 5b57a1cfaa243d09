package auth

import (
	"context"
	"slices"

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
	codes, err := s.ConfirmMFA(ctx, challenge.UserRef, factor.Code, factor.Client)
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

// BeginMFASetup makes a secret for the user of a call, which counts once ConfirmMFASetup
// has seen a code of it.
func (s *Service) BeginMFASetup(ctx context.Context, call *queryserver.Call) (*queryserver.Enrollment, error) {
	user, err := userOf(call)
	if err != nil {
		return nil, err
	}
	return s.BeginMFA(ctx, user)
}

// ConfirmMFASetup makes it count, and gives the recovery codes.
func (s *Service) ConfirmMFASetup(ctx context.Context, call *queryserver.Call, code string) ([]string, error) {
	user, err := userOf(call)
	if err != nil {
		return nil, err
	}
	return s.ConfirmMFA(ctx, user, code, call.Client)
}
