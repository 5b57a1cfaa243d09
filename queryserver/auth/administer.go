package auth

import (
	"context"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// What administrators do with the users of their organization. Whether a caller may touch
// a user is decided before. None of it sets or shows a password (ASVS 6.4.6).

const endedByAdministrator = "ended by an administrator"

func inOrganization(call *queryserver.Call, user tenant.ID) queryserver.UserRef {
	return queryserver.UserRef{Organization: call.Scope.Organization(), User: user}
}

// UserSessions are the sessions of a user that have not ended (ASVS 7.4.5).
func (s *Service) UserSessions(ctx context.Context, call *queryserver.Call, user tenant.ID) ([]queryserver.Session, error) {
	ref := inOrganization(call, user)
	if _, err := s.Store.User(ctx, ref); err != nil {
		return nil, err
	}
	return s.Store.Sessions(ctx, ref)
}

// EndUserSession ends one of them; NotFound: it is none of his.
func (s *Service) EndUserSession(ctx context.Context, call *queryserver.Call, user, id tenant.ID) error {
	return s.end(ctx, call, inOrganization(call, user), id, endedByAdministrator)
}

// EndUserSessions ends all of them, and says how many.
func (s *Service) EndUserSessions(ctx context.Context, call *queryserver.Call, user tenant.ID) (int, error) {
	return s.Store.EndSessions(ctx, call.Subject, call.Client, inOrganization(call, user), tenant.ID{}, endedByAdministrator)
}

// ResetMFA removes the second factor of a user who has lost it, and ends his sessions; he
// is told. Not the caller's own, which would need no proof.
func (s *Service) ResetMFA(ctx context.Context, call *queryserver.Call, user tenant.ID) error {
	if call.Subject.ID == user.String() {
		return queryserver.Errorf(queryserver.Forbidden, "your own second factor is removed with your password and a code of it, or a recovery code")
	}
	ref := inOrganization(call, user)
	if err := s.Store.ResetTOTP(ctx, call.Subject, call.Client, ref); err != nil {
		return err
	}
	s.changed(ref)
	s.tellUser(ctx, ref, queryserver.CredentialLetter{Changed: "your second factor (removed by an administrator)", At: s.Now(), Client: call.Client})
	return nil
}

// SendReset sends a user the link to a new password, which nobody else sees.
func (s *Service) SendReset(ctx context.Context, call *queryserver.Call, user tenant.ID) error {
	ref := inOrganization(call, user)
	profile, err := s.Store.User(ctx, ref)
	if err != nil {
		return err
	}
	account, exists, err := s.Store.FindLogin(ctx, normal(profile.Email))
	if err != nil {
		return err
	}
	if !exists || !account.Enabled || account.Policy.SSOOnly {
		return queryserver.Errorf(queryserver.Conflict, "the user does not log in by password: he is disabled, or the organization demands single sign-on")
	}
	letter, err := s.beginReset(ctx, call.Subject, call.Client, ref, 0) // the limit is for strangers
	if err != nil {
		return err
	}
	return s.Mailer.Send(ctx, profile.Email, letter)
}

// Unlock forgets the failed logins of a user. It says nothing of whether there were any,
// which would tell an administrator's stolen session whom guessing is worth (ASVS 6.3.8).
func (s *Service) Unlock(ctx context.Context, call *queryserver.Call, user tenant.ID) error {
	ref := inOrganization(call, user)
	profile, err := s.Store.User(ctx, ref)
	if err != nil {
		return err
	}
	if err := s.Store.ClearFailures(ctx, s.account(profile.Email)); err != nil {
		return err
	}
	return s.Store.Audit(ctx, ref.Organization, call.Subject, call.Client, "user.unlock", user.String(), "success", nil)
}
