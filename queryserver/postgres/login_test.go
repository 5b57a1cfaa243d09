package postgres_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	base "github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/postgres"
)

func TestStore_FindLogin(t *testing.T) {
	t.Parallel()
	w := setup(t)
	account, found, err := w.store.FindLogin(t.Context(), "ADA@example.com")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, queryserver.Account{UserRef: w.owner, PasswordHash: "$argon2id$first", Enabled: true}, account)
	_, found, err = w.store.FindLogin(t.Context(), "nobody@example.com")
	require.NoError(t, err)
	require.False(t, found)

	require.NoError(t, w.store.SetPolicy(t.Context(), w.call, queryserver.Policy{MFARequired: true, DefaultRole: queryserver.RoleViewer}))
	account, _, err = w.store.FindLogin(t.Context(), "ada@example.com")
	require.NoError(t, err)
	require.True(t, account.Policy.MFARequired)
}

// ASVS 6.1.1: 5 failures in 15 minutes lock an account for strangers; a known device has
// a count of its own.
func TestStore_Lockout(t *testing.T) {
	t.Parallel()
	w := setup(t)
	account, stranger, device := hash("account"), queryserver.Hash{}, hash("device")
	for i := range 4 {
		lock, err := w.store.NoteFailure(t.Context(), account, stranger)
		require.NoError(t, err)
		require.Equal(t, i+1, lock.Failures)
		require.False(t, lock.Locked(time.Now()))
	}
	lock, err := w.store.NoteFailure(t.Context(), account, stranger)
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(15*time.Minute), lock.Until, time.Minute)
	lock, err = w.store.LockOf(t.Context(), account, stranger)
	require.NoError(t, err)
	require.True(t, lock.Locked(time.Now()))
	lock, err = w.store.LockOf(t.Context(), account, device)
	require.NoError(t, err)
	require.False(t, lock.Locked(time.Now()), "a known device")
	lock, err = w.store.LockOf(t.Context(), hash("another"), stranger)
	require.NoError(t, err)
	require.False(t, lock.Locked(time.Now()), "another account")

	require.NoError(t, w.store.ClearFailures(t.Context(), account))
	lock, err = w.store.LockOf(t.Context(), account, stranger)
	require.NoError(t, err)
	require.False(t, lock.Locked(time.Now()))

	// NIST SP 800-63B, 5.2.2: 100 in a row, whatever the device.
	for i := range 100 {
		_, err := w.store.NoteFailure(t.Context(), account, hash("device "+strconv.Itoa(i%30)))
		require.NoError(t, err)
	}
	lock, err = w.store.LockOf(t.Context(), account, device)
	require.NoError(t, err)
	require.True(t, lock.ForGood)
}

func TestStore_Challenge(t *testing.T) {
	t.Parallel()
	w := setup(t)
	of := queryserver.Challenge{UserRef: w.owner, Methods: []string{"pwd"}, Account: hash("a"), Device: hash("d")}
	require.NoError(t, w.store.BeginChallenge(t.Context(), hash("c"), of, time.Now().Add(time.Minute)))
	require.NoError(t, w.store.BeginChallenge(t.Context(), hash("old"), of, time.Now().Add(-time.Second)))
	_, err := w.store.TryChallenge(t.Context(), hash("old"), 5)
	requireCode(t, queryserver.NotFound, err)
	_, err = w.store.TryChallenge(t.Context(), hash("other"), 5)
	requireCode(t, queryserver.NotFound, err)
	got, err := w.store.TryChallenge(t.Context(), hash("c"), 5)
	require.NoError(t, err)
	require.Equal(t, of, got)
	tries := atOnce(func() bool {
		_, err := w.store.TryChallenge(t.Context(), hash("c"), 5)
		return err == nil
	})
	require.Equal(t, 4, tries, "five in all")
}

// ASVS 6.5.1, 15.4.2: what counts once counts once, however many try at once.
func TestStore_OneTime(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	require.NoError(t, w.store.SetTOTP(ctx, w.owner, []byte("sealed")))
	require.NoError(t, w.store.ConfirmTOTP(ctx, client, w.owner, 10, []string{"code 1", "code 2"}))
	requireCode(t, queryserver.Conflict, w.store.SetTOTP(ctx, w.owner, []byte("another")))

	challenge := func(name string) queryserver.Hash {
		require.NoError(t, w.store.BeginChallenge(ctx, hash(name), queryserver.Challenge{UserRef: w.owner, Methods: []string{"pwd"}}, time.Now().Add(time.Minute)))
		return hash(name)
	}
	one := challenge("totp")
	require.Equal(t, 1, atOnce(func() bool {
		passed, err := w.store.PassTOTP(ctx, w.owner, one, 11)
		return passed && err == nil
	}), "a step")
	passed, err := w.store.PassTOTP(ctx, w.owner, challenge("again"), 11)
	require.NoError(t, err)
	require.False(t, passed, "the step in another challenge")
	passed, err = w.store.PassTOTP(ctx, w.owner, hash("again"), 9)
	require.NoError(t, err)
	require.False(t, passed, "an earlier step")
	_, err = w.store.PassTOTP(ctx, w.owner, one, 12)
	requireCode(t, queryserver.NotFound, err)
	credentials, err := w.store.Credentials(ctx, w.owner)
	require.NoError(t, err)
	require.EqualValues(t, 11, credentials.LastStep, "a challenge that is over takes no step")

	two := challenge("recovery")
	require.Equal(t, 1, atOnce(func() bool {
		passed, err := w.store.PassRecoveryCode(ctx, w.owner, two, 1)
		return passed && err == nil
	}), "a recovery code")
	codes, err := w.store.RecoveryCodes(ctx, w.owner)
	require.NoError(t, err)
	require.Equal(t, map[int]string{2: "code 2"}, codes)

	require.NoError(t, w.store.BeginReset(ctx, w.call.Subject, client, w.owner, hash("reset"), time.Now().Add(time.Hour), 1))
	requireCode(t, queryserver.TooMany, w.store.BeginReset(ctx, w.call.Subject, client, w.owner, hash("another reset"), time.Now().Add(time.Hour), 1))
	require.Equal(t, 1, atOnce(func() bool { return w.store.FinishReset(ctx, client, w.owner, hash("reset"), "$argon2id$reset") == nil }), "a reset")

	invitation := queryserver.Invitation{
		Email: "bob@example.com", InvitedBy: w.owner.User, ExpiresAt: time.Now().Add(time.Hour),
		Roles: []queryserver.Assignment{{Role: queryserver.RoleDeveloper, Tenant: w.tenant.Tenant}},
	}
	require.NoError(t, w.store.Invite(ctx, w.call, &invitation, hash("invitation")))
	require.Equal(t, 1, atOnce(func() bool {
		_, err := w.store.AcceptInvitation(ctx, client, hash("invitation"), "Bob", "$argon2id$bob")
		return err == nil
	}), "an invitation")

	require.NoError(t, w.store.OfferSetup(ctx, hash("setup"), time.Now().Add(time.Hour)))
	_, err = w.store.FinishSetup(ctx, hash("setup"), queryserver.FirstUser{Organization: "x", Email: "eve@example.com"}, "$argon2id$eve")
	requireCode(t, queryserver.NotFound, err)
}

// ASVS 6.3.2: nobody is there by default; whoever has the link becomes Owner, one of many.
func TestStore_Setup(t *testing.T) {
	t.Parallel()
	pool, err := base.Open(testkit.Postgres(t).AppURL, base.App)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	store := postgres.New(pool)
	has, err := store.HasUsers(t.Context())
	require.NoError(t, err)
	require.False(t, has)
	require.NoError(t, store.OfferSetup(t.Context(), hash("earlier"), time.Now().Add(time.Hour)))
	require.NoError(t, store.OfferSetup(t.Context(), hash("setup"), time.Now().Add(time.Hour)))
	first := queryserver.FirstUser{Organization: "Acme", Email: "ada@example.com", DisplayName: "Ada"}
	_, err = store.FinishSetup(t.Context(), hash("earlier"), first, "$argon2id$ada")
	requireCode(t, queryserver.NotFound, err)
	require.Equal(t, 1, atOnce(func() bool {
		_, err := store.FinishSetup(t.Context(), hash("setup"), first, "$argon2id$ada")
		return err == nil
	}))
	account, found, err := store.FindLogin(t.Context(), "ada@example.com")
	require.NoError(t, err)
	require.True(t, found)
	grants, err := store.UserGrants(t.Context(), account.UserRef)
	require.NoError(t, err)
	require.Len(t, grants, 1)
	require.Equal(t, queryserver.RoleOwner, grants[0].Role)
}
