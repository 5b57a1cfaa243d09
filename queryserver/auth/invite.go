package auth

import (
	"cmp"
	"context"
	"strings"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/password"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/token"
)

// InvitationPath is that of the page that an invitation leads to; the code follows a #, so
// that it is in no log.
const InvitationPath = "/invitation"

// Invite asks somebody into the organization of a call, by mail. The caller has checked
// that the roles are the inviter's to give. Conflict: see the store.
func (s *Service) Invite(ctx context.Context, call *queryserver.Call, email string, roles []queryserver.Assignment) (queryserver.Invitation, error) {
	inviter, err := userOf(call)
	if err != nil {
		return queryserver.Invitation{}, err
	}
	invitation := queryserver.Invitation{
		Email: strings.TrimSpace(email), Roles: roles, InvitedBy: inviter.User, ExpiresAt: s.Now().Add(s.settings.Invitation),
	}
	code := token.New(token.Invitation)
	if err := s.Store.Invite(ctx, call, &invitation, queryserver.Hash(code.Hash())); err != nil {
		return invitation, err
	}
	if err := s.sendInvitation(ctx, call, inviter, invitation, code); err != nil {
		// Nobody has the link, and who asks again should not meet an invitation.
		if undo := s.Store.RevokeInvitation(ctx, call, invitation.ID); undo != nil {
			return invitation, undo
		}
		return invitation, err
	}
	return invitation, nil
}

// ResendInvitation sends an invitation again, expired or not, with a new link. Who does so
// is the inviter from then on.
func (s *Service) ResendInvitation(ctx context.Context, call *queryserver.Call, id tenant.ID) (queryserver.Invitation, error) {
	inviter, err := userOf(call)
	if err != nil {
		return queryserver.Invitation{}, err
	}
	invitation, err := s.Store.Invitation(ctx, call, id)
	if err != nil {
		return invitation, err
	}
	invitation.InvitedBy, invitation.ExpiresAt = inviter.User, s.Now().Add(s.settings.Invitation)
	code := token.New(token.Invitation)
	if err := s.Store.RenewInvitation(ctx, call, &invitation, queryserver.Hash(code.Hash())); err != nil {
		return invitation, err
	}
	return invitation, s.sendInvitation(ctx, call, inviter, invitation, code)
}

// sendInvitation waits for the mail server, so that the inviter hears when it is down.
func (s *Service) sendInvitation(ctx context.Context, call *queryserver.Call, inviter queryserver.UserRef, invitation queryserver.Invitation, code token.Token) error {
	organization, err := s.Store.Organization(ctx, call)
	if err != nil {
		return err
	}
	user, err := s.Store.User(ctx, inviter)
	if err != nil {
		return err
	}
	return s.Mailer.Send(ctx, invitation.Email, queryserver.InvitationLetter{
		Organization: organization.Name, Inviter: cmp.Or(user.DisplayName, user.Email),
		Link: s.settings.PublicURL + InvitationPath + "#" + code.Reveal(), Expires: invitation.ExpiresAt,
	})
}

// AcceptInvitation makes the user who was invited, once, and logs him in; where the
// organization demands a second factor, he goes on with setting one up.
func (s *Service) AcceptInvitation(ctx context.Context, acceptance queryserver.Acceptance) (*queryserver.LoginResult, error) {
	presented, err := token.Parse(token.Invitation, acceptance.Code)
	if err != nil {
		return nil, errInvitationOver()
	}
	code := queryserver.Hash(presented.Hash())
	invited, err := s.Store.FindInvitation(ctx, code)
	if err != nil {
		return nil, invitationOver(err)
	}
	if invited.Policy.SSOOnly {
		return nil, queryserver.Errorf(queryserver.Forbidden, "The organization lets nobody in by password: accept the invitation by single sign-on.")
	}
	owner := password.Owner{Email: invited.Email, Organization: invited.Organization.Name, MFA: invited.Policy.MFARequired}
	if err := s.Policy.Check(acceptance.Password, owner); err != nil {
		return nil, err
	}
	hash, err := s.Hasher.Hash(ctx, acceptance.Password)
	if err != nil {
		return nil, err
	}
	user, err := s.Store.AcceptInvitation(ctx, acceptance.Client, code, acceptance.DisplayName, hash)
	if err != nil {
		return nil, invitationOver(err)
	}
	account := queryserver.Account{UserRef: user, Policy: invited.Policy}
	return s.admit(ctx, account, s.account(invited.Email), opening{
		client: acceptance.Client, device: acceptance.Device, cookie: acceptance.Cookie, methods: []string{methodPassword},
	})
}

func errInvitationOver() error {
	return queryserver.Errorf(queryserver.Invalid, "The invitation is not valid, or not any more: ask who invited you for another one.")
}

func invitationOver(err error) error {
	if is(err, queryserver.NotFound) {
		return errInvitationOver()
	}
	return err
}
