package postgres_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// invite keeps an invitation by a user, under the hash of its address.
func (w *world) invite(t *testing.T, by queryserver.UserRef, email string, role tenant.ID) queryserver.Invitation {
	t.Helper()
	invitation := queryserver.Invitation{
		Email: email, InvitedBy: by.User, ExpiresAt: time.Now().Add(time.Hour),
		Roles: []queryserver.Assignment{{Role: role, Tenant: w.tenant.Tenant}},
	}
	require.NoError(t, w.store.Invite(t.Context(), w.call, &invitation, hash(email)))
	return invitation
}

func (w *world) accept(t *testing.T, email string) error {
	t.Helper()
	_, err := w.store.AcceptInvitation(t.Context(), client, hash(email), "", "$argon2id$x")
	return err
}

func TestStore_Invitations(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	var made []queryserver.Invitation
	for i := range 3 {
		made = append(made, w.invite(t, w.owner, "u"+strconv.Itoa(i)+"@example.com", queryserver.RoleViewer))
	}
	page, err := w.store.Invitations(ctx, w.call, queryserver.Invitation{}, 2)
	require.NoError(t, err)
	require.Len(t, page, 2)
	require.Equal(t, made[2].ID, page[0].ID)
	page, err = w.store.Invitations(ctx, w.call, page[1], 2)
	require.NoError(t, err)
	require.Len(t, page, 1)
	require.Equal(t, made[0].Roles, page[0].Roles)

	again := queryserver.Invitation{Email: "U0@Example.com", InvitedBy: w.owner.User, ExpiresAt: time.Now().Add(time.Hour)}
	requireCode(t, queryserver.Conflict, w.store.Invite(ctx, w.call, &again, hash("again")))
	require.NoError(t, w.store.RevokeInvitation(ctx, w.call, made[0].ID))
	requireCode(t, queryserver.NotFound, w.store.RevokeInvitation(ctx, w.call, made[0].ID))
	require.NoError(t, w.store.Invite(ctx, w.call, &again, hash("again")))
	requireCode(t, queryserver.NotFound, w.accept(t, "u0@example.com"))

	require.NoError(t, w.store.RenewInvitation(ctx, w.call, &made[1], hash("renewed")))
	requireCode(t, queryserver.NotFound, w.accept(t, "u1@example.com"))
	invited, err := w.store.FindInvitation(ctx, hash("renewed"))
	require.NoError(t, err)
	require.Equal(t, "acme", invited.Organization.Name)
	require.Equal(t, queryserver.RoleViewer, invited.Policy.DefaultRole)
	require.NoError(t, w.accept(t, "u2@example.com"))
	requireCode(t, queryserver.NotFound, w.accept(t, "u2@example.com"))
}

// ASVS 8.3.2: an invitation gives what its inviter could give when it is accepted. Who
// sends it again answers for it from then on.
func TestStore_Invitation_ASVS_8_3_2_InviterDemoted(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	adam := w.user(t, "adam@example.com", queryserver.RoleAdministrator)
	viewer := w.invite(t, adam, "viewer@example.com", queryserver.RoleViewer)
	w.invite(t, adam, "admin@example.com", queryserver.RoleAdministrator)
	here := func(role tenant.ID) queryserver.Assignment {
		return queryserver.Assignment{Role: role, Tenant: w.tenant.Tenant}
	}
	require.NoError(t, w.store.Assign(ctx, w.call, adam.User, here(queryserver.RoleDeveloper)))
	require.NoError(t, w.store.Unassign(ctx, w.call, adam.User, here(queryserver.RoleAdministrator)))
	requireCode(t, queryserver.NotFound, w.accept(t, "admin@example.com"))
	requireCode(t, queryserver.NotFound, w.accept(t, "viewer@example.com")) // he may give no role at all now
	_, err := w.store.JoinByInvitation(ctx, client, hash("viewer@example.com"), w.provider(t), someone("1", "viewer@example.com"))
	requireCode(t, queryserver.NotFound, err) // by single sign-on neither

	viewer.InvitedBy = w.owner.User
	require.NoError(t, w.store.RenewInvitation(ctx, w.call, &viewer, hash("viewer@example.com")))
	require.NoError(t, w.store.DeleteUser(ctx, w.call, adam.User))
	require.NoError(t, w.accept(t, "viewer@example.com"))
	requireCode(t, queryserver.NotFound, w.accept(t, "admin@example.com"))
	_, found, err := w.store.FindLogin(ctx, "admin@example.com")
	require.NoError(t, err)
	require.False(t, found)
}
