package auth

import (
	"context"
	"log/slog"
	"strings"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/token"
)

// LinkPath begins the link by which a user adopts an identity; the code follows.
const LinkPath = "/login/link#"

// arrive finds the user of an identity, or makes him: by an invitation to his address, or
// because his organization has proved the address's domain. An address never finds a user
// by itself: at most it has a link sent to him (incident 18). The proof, if not empty,
// says that one was sent.
func (s *Service) arrive(ctx context.Context, provider *queryserver.Provider, identity *queryserver.Identity, invitation queryserver.Hash, client queryserver.Client) (user queryserver.UserRef, proof string, err error) {
	user, err = s.Store.FindIdentity(ctx, provider, identity)
	if !is(err, queryserver.NotFound) {
		return user, "", s.welcome(ctx, user, provider, identity, client, err)
	}
	if !identity.EmailVerified {
		return user, "", s.turnAway(ctx, provider, identity, client, "the address is not verified")
	}
	if invitation != (queryserver.Hash{}) {
		user, err = s.Store.JoinByInvitation(ctx, client, invitation, provider, identity)
		if err == nil || !is(err, queryserver.NotFound) && !is(err, queryserver.Conflict) {
			return user, "", err
		}
	}
	account, taken, err := s.Store.FindLogin(ctx, normal(identity.Email))
	if err != nil {
		return user, "", err
	}
	if taken {
		proof, err = s.offerLink(ctx, &account, provider, identity, client)
		return user, proof, err
	}
	user, err = s.joinByDomain(ctx, provider, identity, client)
	if is(err, queryserver.NotFound) || is(err, queryserver.Conflict) {
		err = s.turnAway(ctx, provider, identity, client, "no organization of the provider has proved the address's domain")
	}
	return user, "", err
}

// welcome notes the login of a known identity.
func (s *Service) welcome(ctx context.Context, user queryserver.UserRef, provider *queryserver.Provider, identity *queryserver.Identity, client queryserver.Client, err error) error {
	if err != nil {
		return err
	}
	account, _, err := s.Store.Account(ctx, user)
	if err != nil {
		return err
	}
	if !account.Enabled {
		s.note(ctx, user, client, "user.login", "failure", map[string]any{"factor": methodSSO, "disabled": true})
		return errNobody()
	}
	if err := s.Store.UseIdentity(ctx, client, user, provider, identity); err != nil {
		return err
	}
	s.Changed(kindUser, user.User.String(), user.Organization)
	return nil
}

func (s *Service) joinByDomain(ctx context.Context, provider *queryserver.Provider, identity *queryserver.Identity, client queryserver.Client) (user queryserver.UserRef, err error) {
	organization := provider.Organization
	if organization.IsZero() {
		_, domain, _ := strings.Cut(normal(identity.Email), "@")
		if organization, err = s.Store.OrganizationOfDomain(ctx, domain); err != nil {
			return user, err
		}
	}
	return s.Store.JoinByDomain(ctx, client, organization, provider, identity)
}

// turnAway refuses a newcomer. Why is for the log and the audit trail only.
func (s *Service) turnAway(ctx context.Context, provider *queryserver.Provider, identity *queryserver.Identity, client queryserver.Client, why string) error {
	s.Logger.InfoContext(ctx, "A sign-in belongs to no user.", slog.String("provider", provider.ID.String()), slog.String("why", why))
	if !provider.Organization.IsZero() {
		by := queryserver.Subject{Kind: queryserver.SystemSubject, ID: methodSSO}
		detail := map[string]any{"factor": methodSSO, "why": why, "issuer": identity.Issuer, "identitySubject": identity.Subject, "email": identity.Email}
		if err := s.Store.Audit(context.WithoutCancel(ctx), provider.Organization, by, client, "user.login", provider.ID.String(), "failure", detail); err != nil {
			return err
		}
	}
	return errNobody()
}

// offerLink sends the user of an address a link by which he adopts an identity, where the
// provider is set to. The link counts in the browser that asks for it, so that nobody
// adopts the identity of somebody else who has it sent to him.
func (s *Service) offerLink(ctx context.Context, account *queryserver.Account, provider *queryserver.Provider, identity *queryserver.Identity, client queryserver.Client) (proof string, err error) {
	foreign := !provider.Organization.IsZero() && provider.Organization != account.Organization
	if foreign || !provider.LinkByVerifiedEmail || !account.Enabled {
		return "", s.turnAway(ctx, provider, identity, client, "the address is a user's")
	}
	code, browser := token.New(token.EmailProof), token.New(token.SSOBrowser)
	expires := s.Now().Add(ssoLinkLife)
	link := queryserver.SSOLink{
		UserRef: account.UserRef, Provider: provider.ID, Identity: *identity, Expires: expires, Browser: queryserver.Hash(browser.Hash()),
	}
	if err := s.Store.KeepSSOLink(ctx, client, queryserver.Hash(code.Hash()), &link); err != nil {
		return "", err
	}
	s.tellUser(ctx, account.UserRef, queryserver.LinkLetter{
		Provider: provider.Shown(), Link: s.settings.PublicURL + LinkPath + code.Reveal(), Expires: expires, Client: client,
	})
	return browser.Reveal(), nil
}

// FinishLink links the identity of a link that was mailed, in the browser that asked for
// it. It does not log in: the user signs in once more.
func (s *Service) FinishLink(ctx context.Context, code, proof string, client queryserver.Client) error {
	presented, err := token.Parse(token.EmailProof, code)
	if err != nil {
		return errLinkOver()
	}
	browser, err := token.Parse(token.SSOBrowser, proof)
	if err != nil {
		return errOtherBrowser()
	}
	link, err := s.Store.FinishSSOLink(ctx, client, queryserver.Hash(presented.Hash()), queryserver.Hash(browser.Hash()))
	if is(err, queryserver.NotFound) || is(err, queryserver.Conflict) {
		return errLinkOver()
	}
	if err != nil {
		return err
	}
	s.tellLinked(ctx, link.UserRef, client)
	return nil
}

func errOtherBrowser() error {
	return queryserver.Errorf(queryserver.Invalid, "Open the link in the browser in which you signed in.")
}

func (s *Service) tellLinked(ctx context.Context, user queryserver.UserRef, client queryserver.Client) {
	s.tellUser(ctx, user, queryserver.CredentialLetter{Changed: "the sign-ins of your account", At: s.Now(), Client: client})
}

// BeginLink sends the browser of a user who is logged in to a provider, whose identity is
// then his. He proves himself first, as for every change of a credential (ASVS 7.5.1).
func (s *Service) BeginLink(ctx context.Context, call *queryserver.Call, begin *queryserver.SSOBegin, current, code string) (*queryserver.SSOBegun, error) {
	user, err := userOf(call)
	if err != nil {
		return nil, err
	}
	if call.Session.IsZero() {
		return nil, queryserver.Errorf(queryserver.Forbidden, "identities are linked from a session")
	}
	provider, err := s.findProvider(ctx, begin)
	if err == nil && !provider.Organization.IsZero() && provider.Organization != user.Organization {
		err = errNoProvider()
	}
	if err != nil {
		return nil, err
	}
	if err := s.reauthenticate(ctx, call, user, current, code); err != nil {
		return nil, err
	}
	return s.beginAt(ctx, &provider, begin, keptLogin{User: user, Session: call.Session})
}

// linkInSession ends what BeginLink began, while the session goes on.
func (s *Service) linkInSession(ctx context.Context, provider *queryserver.Provider, identity *queryserver.Identity, kept *keptLogin, client queryserver.Client) error {
	session, err := s.Store.FindSession(ctx, kept.Session)
	if err != nil {
		return unproved(err)
	}
	account, _, err := s.Store.Account(ctx, kept.User)
	if err != nil {
		return unproved(err)
	}
	if session.Revoked || !s.Now().Before(session.ExpiresAt) || !account.Enabled {
		return errSessionEnded()
	}
	err = s.Store.LinkIdentity(ctx, client, kept.User, provider, identity)
	if is(err, queryserver.Conflict) {
		return queryserver.Errorf(queryserver.Conflict, "This sign-in is linked already.")
	}
	if err == nil {
		s.tellLinked(ctx, kept.User, client)
	}
	return err
}

// LinkedIdentities are those that log the user of a call in.
func (s *Service) LinkedIdentities(ctx context.Context, call *queryserver.Call) ([]queryserver.LinkedIdentity, error) {
	user, err := userOf(call)
	if err != nil {
		return nil, err
	}
	return s.Store.Identities(ctx, user)
}

// Unlink takes one of them away, but never the last way in.
func (s *Service) Unlink(ctx context.Context, call *queryserver.Call, id tenant.ID, current, code string) error {
	user, err := userOf(call)
	if err != nil {
		return err
	}
	if err := s.reauthenticate(ctx, call, user, current, code); err != nil {
		return err
	}
	if err := s.Store.UnlinkIdentity(ctx, call.Client, user, id); err != nil {
		return err
	}
	s.tellLinked(ctx, user, call.Client)
	return nil
}
