package postgres_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

func TestStore_Session(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	id := w.session(t, w.owner, "one")
	state, err := w.store.FindSession(ctx, id)
	require.NoError(t, err)
	require.Equal(t, w.owner, state.UserRef)
	require.Equal(t, w.tenant.Tenant, state.Tenant)
	require.False(t, state.Revoked)
	byCookie, err := w.store.FindSessionByCookie(ctx, hash("one cookie"))
	require.NoError(t, err)
	require.Equal(t, state, byCookie)
	_, err = w.store.FindSessionByCookie(ctx, hash("two cookie"))
	requireCode(t, queryserver.NotFound, err)
	_, err = w.store.FindSession(ctx, tenant.ID{1})
	requireCode(t, queryserver.NotFound, err)

	bob := w.user(t, "bob@example.com", queryserver.RoleViewer)
	by := queryserver.Subject{Kind: queryserver.UserSubject, ID: bob.User.String()}
	requireCode(t, queryserver.NotFound, w.store.EndSession(ctx, by, client, bob, id, "not his"))
	other := w.session(t, w.owner, "two")
	ended, err := w.store.EndSessions(ctx, w.call.Subject, client, w.owner, other, "the others")
	require.NoError(t, err)
	require.Equal(t, 1, ended)
	state, err = w.store.FindSession(ctx, id)
	require.NoError(t, err)
	require.True(t, state.Revoked)
	open, err := w.store.Sessions(ctx, w.owner)
	require.NoError(t, err)
	require.Len(t, open, 1)
	require.Equal(t, other, open[0].ID)
	require.Equal(t, "192.0.2.7", open[0].ClientIP)
}

// A refresh token is exchanged once, its successor given again for a moment, and the
// session ended when the token comes back later (RFC 9700 section 4.14; ASVS 10.4.5).
func TestStore_Refresh(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	id := w.session(t, w.owner, "one")
	expires := time.Now().Add(time.Hour)
	repeated := atOnce(func() bool {
		done, err := w.store.Refresh(ctx, client, hash("one refresh"), hash("next"), expires, []byte("sealed next"))
		require.NoError(t, err)
		require.False(t, done.Stolen)
		require.Equal(t, id, done.Session)
		return done.Successor != nil
	})
	require.Equal(t, 99, repeated, "one was exchanged, the others were given the same successor")

	_, err := w.store.Refresh(ctx, client, hash("next"), hash("third"), expires, []byte("sealed third"))
	require.NoError(t, err)
	admin := w.admin(t)
	_, err = admin.Exec(ctx, "UPDATE refresh_tokens SET used_at = used_at - interval '11 seconds' WHERE used_at IS NOT NULL")
	require.NoError(t, err)
	first, second := hash("one refresh"), hash("x")
	done, err := w.store.Refresh(ctx, client, first, second, expires, []byte("sealed x"))
	require.NoError(t, err)
	require.True(t, done.Stolen)
	_, err = w.store.Refresh(ctx, client, hash("third"), hash("fourth"), expires, nil)
	requireCode(t, queryserver.NotFound, err)
	state, err := w.store.FindSession(ctx, id)
	require.NoError(t, err)
	require.True(t, state.Revoked)

	_, err = w.store.Refresh(ctx, client, hash("never"), hash("y"), expires, nil)
	requireCode(t, queryserver.NotFound, err)
}

// What changes what a user may do reaches the feed, so that every server hears of it.
func TestStore_PasswordEndsSessions(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	one, two := w.session(t, w.owner, "one"), w.session(t, w.owner, "two")
	require.NoError(t, w.store.SetPassword(ctx, w.call.Subject, client, w.owner, "$argon2id$new", two))
	for id, revoked := range map[tenant.ID]bool{one: true, two: false} {
		state, err := w.store.FindSession(ctx, id)
		require.NoError(t, err)
		require.Equal(t, revoked, state.Revoked)
	}
	require.NoError(t, w.store.Rehash(ctx, w.owner, "$argon2id$first", "$argon2id$stale"))
	account, _, err := w.store.FindLogin(ctx, "ada@example.com")
	require.NoError(t, err)
	require.Equal(t, "$argon2id$new", account.PasswordHash, "a hash of a password that is no longer the user's")
}
