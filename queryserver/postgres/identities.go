package postgres

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/postgres/internal/dbgen"
)

// Account is what decides how the login of a user goes on, with his e-mail address.
func (s *Store) Account(ctx context.Context, user queryserver.UserRef) (account queryserver.Account, email string, err error) {
	err = s.in(ctx, user.Organization, func(q *dbgen.Queries) error {
		row, err := q.GetAccount(ctx, user.User)
		account = queryserver.Account{
			UserRef: user, PasswordHash: row.PasswordHash, Enabled: row.IsEnabled, HasMFA: row.HasMfa,
			Policy: queryserver.Policy{SSOOnly: row.SsoOnly, MFARequired: row.MfaRequired},
		}
		email = row.Email
		return err
	})
	return account, email, err
}

// FindIdentity is the user of an identity. NotFound: it is nobody's yet.
func (s *Store) FindIdentity(ctx context.Context, provider *queryserver.Provider, identity *queryserver.Identity) (queryserver.UserRef, error) {
	rows, err := call(ctx, s, pgx.RowToStructByPos[queryserver.UserRef], "find_identity", provider.ID, identity.Issuer, identity.Subject)
	if err != nil || len(rows) == 0 {
		return queryserver.UserRef{}, orNotFound(err, "the identity is nobody's")
	}
	return rows[0], nil
}

// UseIdentity notes a login by an identity of a user, whose name and picture follow it.
func (s *Store) UseIdentity(ctx context.Context, client queryserver.Client, user queryserver.UserRef, provider *queryserver.Provider, identity *queryserver.Identity) error {
	return s.in(ctx, user.Organization, func(q *dbgen.Queries) error {
		used := dbgen.TouchIdentityParams{Email: identity.Email, ProviderID: provider.ID, Issuer: identity.Issuer, Subject: identity.Subject, UserID: user.User}
		if err := found(q.TouchIdentity(ctx, used)); err != nil {
			return err
		}
		changed, err := q.RefreshProfile(ctx, identity.Name, identity.Picture, user.User)
		if err != nil || changed == 0 {
			return err
		}
		return audit(ctx, q, userSubject(user), client, "user.refresh_profile", user.User.String(), "success",
			map[string]any{"displayName": identity.Name, "provider": provider.ID})
	})
}

// LinkIdentity makes an identity log a user in. Conflict: it is somebody's already.
func (s *Store) LinkIdentity(ctx context.Context, client queryserver.Client, user queryserver.UserRef, provider *queryserver.Provider, identity *queryserver.Identity) error {
	return s.in(ctx, user.Organization, func(q *dbgen.Queries) error {
		return linkIdentity(ctx, q, client, user, provider, identity)
	})
}

// linkIdentity keeps an identity with its entry of the audit trail. An organization's
// provider names users of the organization alone (ASVS 6.8.1).
func linkIdentity(ctx context.Context, q *dbgen.Queries, client queryserver.Client, user queryserver.UserRef, provider *queryserver.Provider, identity *queryserver.Identity) error {
	if !provider.Organization.IsZero() && provider.Organization != user.Organization {
		return queryserver.Errorf(queryserver.NotFound, "the identity provider is another organization's")
	}
	err := q.InsertIdentity(ctx, dbgen.InsertIdentityParams{
		ProviderID: provider.ID, Issuer: identity.Issuer, Subject: identity.Subject, UserID: user.User, Email: identity.Email,
	})
	if err != nil {
		return err
	}
	return audit(ctx, q, userSubject(user), client, "identity.link", user.User.String(), "success",
		map[string]any{"provider": provider.ID, "issuer": identity.Issuer, "identitySubject": identity.Subject, "email": identity.Email})
}

// JoinByInvitation makes a user of an invitation, once, with its roles and without a
// password. NotFound: there is none of that code for the address, or its inviter may not
// give its roles any more. Conflict: the address is a user's.
func (s *Store) JoinByInvitation(ctx context.Context, client queryserver.Client, token queryserver.Hash, provider *queryserver.Provider, identity *queryserver.Identity) (user queryserver.UserRef, err error) {
	organization, err := s.organizationOfInvitation(ctx, token)
	if err != nil {
		return user, err
	}
	err = s.in(ctx, organization, func(q *dbgen.Queries) error {
		invitation, err := q.GetInvitationByToken(ctx, token[:])
		if isNone(err) || err == nil && !strings.EqualFold(invitation.Email, identity.Email) {
			return errNotInvited()
		}
		if err != nil {
			return err
		}
		if user, err = acceptInvitation(ctx, q, client, organization, token, identity.Name, ""); err != nil {
			return err
		}
		return joinBy(ctx, q, client, user, provider, identity)
	})
	return user, err
}

// JoinByDomain makes a user of the organization that has proved the domain of his address,
// with its default role in its oldest tenant. NotFound: it has not proved it. Conflict:
// the address is a user's.
func (s *Store) JoinByDomain(ctx context.Context, client queryserver.Client, organization tenant.ID, provider *queryserver.Provider, identity *queryserver.Identity) (user queryserver.UserRef, err error) {
	user.Organization = organization
	err = s.in(ctx, organization, func(q *dbgen.Queries) error {
		_, domain, _ := strings.Cut(strings.ToLower(identity.Email), "@")
		proved, err := q.HasDomain(ctx, domain)
		if err != nil {
			return err
		}
		if err := done(proved, nil); err != nil {
			return err
		}
		role := queryserver.RoleViewer
		policy, err := q.GetPolicy(ctx)
		if err == nil {
			role = policy.DefaultRoleID
		} else if !isNone(err) {
			return err
		}
		var roles []queryserver.Assignment
		first, err := q.OldestTenant(ctx)
		if err == nil {
			roles = []queryserver.Assignment{{Role: role, Tenant: first}}
		} else if !isNone(err) {
			return err
		}
		if err := join(ctx, q, client, &user, provider, identity, roles); err != nil {
			return err
		}
		return audit(ctx, q, userSubject(user), client, "user.create", user.User.String(), "success",
			map[string]any{"email": identity.Email, "domain": domain, "provider": provider.ID, "roles": roles})
	})
	return user, err
}

// join makes a user without a password who has an identity.
func join(ctx context.Context, q *dbgen.Queries, client queryserver.Client, user *queryserver.UserRef, provider *queryserver.Provider, identity *queryserver.Identity, roles []queryserver.Assignment) (err error) {
	if user.User, err = newUser(ctx, q, identity.Email, identity.Name, "", roles); err != nil {
		return err
	}
	return joinBy(ctx, q, client, *user, provider, identity)
}

// joinBy gives a new user the identity that he came by.
func joinBy(ctx context.Context, q *dbgen.Queries, client queryserver.Client, user queryserver.UserRef, provider *queryserver.Provider, identity *queryserver.Identity) error {
	if _, err := q.RefreshProfile(ctx, identity.Name, identity.Picture, user.User); err != nil {
		return err
	}
	return linkIdentity(ctx, q, client, user, provider, identity)
}

// Identities are those that log a user in.
func (s *Store) Identities(ctx context.Context, user queryserver.UserRef) (all []queryserver.LinkedIdentity, err error) {
	err = s.in(ctx, user.Organization, func(q *dbgen.Queries) error {
		rows, err := q.ListIdentities(ctx, user.User)
		for _, row := range rows {
			provider := queryserver.Provider{Name: row.Name, DisplayName: row.DisplayName}
			all = append(all, queryserver.LinkedIdentity{
				ID: row.IdentityID, Provider: row.ProviderID, Name: provider.Shown(), Email: row.Email, CreatedAt: row.CreatedAt, LastLoginAt: row.LastLoginAt,
			})
		}
		return err
	})
	return all, err
}

// UnlinkIdentity takes one away, but not the last way in. His row is locked, so that two
// at once do not take the last two.
func (s *Store) UnlinkIdentity(ctx context.Context, client queryserver.Client, user queryserver.UserRef, id tenant.ID) error {
	return s.in(ctx, user.Organization, func(q *dbgen.Queries) error {
		if err := q.LockUser(ctx, user.User); err != nil {
			return err
		}
		account, err := q.GetAccount(ctx, user.User)
		if err != nil {
			return err
		}
		if err := found(q.DeleteIdentity(ctx, id, user.User)); err != nil {
			return err
		}
		left, err := q.ListIdentities(ctx, user.User)
		if err != nil {
			return err
		}
		if len(left) == 0 && (account.PasswordHash == "" || account.SsoOnly) {
			return queryserver.Errorf(queryserver.Conflict, "this is your only way to log in: link another identity first, or set a password if your organization takes one")
		}
		return audit(ctx, q, userSubject(user), client, "identity.unlink", user.User.String(), "success", map[string]any{"identity": id})
	})
}
