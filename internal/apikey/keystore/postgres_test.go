package keystore_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/apikey/keyadmin"
	"github.com/telemetryflow/telemetryflow/internal/apikey/keystore"
	"github.com/telemetryflow/telemetryflow/internal/bootstrap"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/internal/testkit/apikeytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const timeout = time.Minute

func find(t *testing.T, store *keystore.Postgres, id apikey.ID) *keystore.Record {
	t.Helper()
	record, err := store.Find(t.Context(), id)
	require.NoError(t, err)
	return record
}

func TestPostgres_Find(t *testing.T) {
	t.Parallel()
	w := apikeytest.NewWorld(t)
	store := keystore.NewPostgres(w.Ingest(t, w.IngestURL), timeout)
	expires := time.Now().Add(time.Hour).Truncate(time.Microsecond)
	credential := w.Key(t, func(key *keyadmin.NewKey) {
		key.ExpiresAt, key.Limits = &expires, keyadmin.Limits{RequestsPerMinute: 7, ItemsPerSecond: 8, BytesPerSecond: 9}
	})

	record := find(t, store, credential.ID)
	require.True(t, record.TenantBound)
	require.Equal(t, w.Organization, record.Organization)
	require.Equal(t, []tenant.ID{w.Tenant}, record.Tenants)
	require.Equal(t, []tenant.ID{w.Workspace}, record.Workspaces)
	require.Equal(t, []tenant.Permission{tenant.TracesWrite}, record.Permissions)
	require.Equal(t, keystore.Limits{RequestsPerMinute: 7, ItemsPerSecond: 8, BytesPerSecond: 9}, record.Limits)
	require.WithinDuration(t, expires, record.ExpiresAt, 0)
	require.WithinDuration(t, time.Now(), record.ReadAt, timeout)
	matches, err := apikey.Matches(credential.Secret, record.Hash)
	require.NoError(t, err)
	require.True(t, matches)
	require.Empty(t, record.PreviousHash)
	require.True(t, record.Live(time.Now()))
	require.False(t, record.Live(expires))

	_, _, err = w.Admin.Rotate(t.Context(), credential.ID, time.Hour)
	require.NoError(t, err)
	rotated := find(t, store, credential.ID)
	require.Equal(t, record.Hash, rotated.PreviousHash)
	require.WithinDuration(t, time.Now().Add(time.Hour), rotated.PreviousUntil, timeout)
	require.GreaterOrEqual(t, rotated.Position, record.Position)

	_, err = w.Admin.Revoke(t.Context(), credential.ID)
	require.NoError(t, err)
	require.False(t, find(t, store, credential.ID).Live(time.Now()))
}

// A wide key covers the live tenants of what it is bound to.
func TestPostgres_Wide(t *testing.T) {
	t.Parallel()
	w := apikeytest.NewWorld(t)
	store := keystore.NewPostgres(w.Ingest(t, w.IngestURL), timeout)
	for kind, binding := range map[keyadmin.Kind]tenant.ID{keyadmin.Workspace: w.Workspace, keyadmin.Organization: w.Organization} {
		credential := w.Key(t, func(key *keyadmin.NewKey) { key.Kind, key.Binding = kind, binding })
		added, err := bootstrap.CreateTenant(t.Context(), w.Pool, w.Organization, w.Workspace, "of "+string(kind))
		require.NoError(t, err)
		record := find(t, store, credential.ID)
		require.False(t, record.TenantBound)
		require.ElementsMatch(t, []tenant.ID{w.Tenant, added}, record.Tenants)
		principal := record.Principal(credential.ID.String())
		_, err = principal.Resolve(tenant.Choice{Tenant: added})
		require.NoError(t, err)
		require.NoError(t, bootstrap.DeleteTenant(t.Context(), w.Pool, w.Organization, added))
		require.Equal(t, []tenant.ID{w.Tenant}, find(t, store, credential.ID).Tenants)
	}
}

// That there is no such key is an answer; that nobody answers is none.
func TestPostgres_Errors(t *testing.T) {
	t.Parallel()
	w := apikeytest.NewWorld(t)
	gate := apikeytest.NewGate(t, w.IngestURL)
	store := keystore.NewPostgres(w.Ingest(t, gate.URL), timeout)
	unknown := apikey.NewCredential().ID
	_, err := store.Find(t.Context(), unknown)
	require.ErrorIs(t, err, keystore.ErrNotFound)
	secret, err := store.CacheSecret(t.Context())
	require.NoError(t, err)
	require.Len(t, secret, 32)

	gate.Close()
	_, err = store.Find(t.Context(), unknown)
	require.Error(t, err)
	require.NotErrorIs(t, err, keystore.ErrNotFound)
	_, err = store.CacheSecret(t.Context())
	require.Error(t, err)
	require.Error(t, store.RecordUse(t.Context(), map[apikey.ID]time.Time{unknown: time.Now()}))
}

// A use is no change, is recorded once, and never goes back or into the future.
func TestPostgres_RecordUse(t *testing.T) {
	t.Parallel()
	w := apikeytest.NewWorld(t)
	store := keystore.NewPostgres(w.Ingest(t, w.IngestURL), timeout)
	credential := w.Key(t)
	used := time.Now().Add(-time.Hour).Truncate(time.Microsecond)
	lastUse := func() time.Time {
		listed, err := w.Admin.List(context.Background(), keyadmin.Filter{})
		require.NoError(t, err)
		require.Len(t, listed, 1)
		require.NotNil(t, listed[0].LastUsedAt)
		return *listed[0].LastUsedAt
	}
	for _, at := range []time.Time{used, used.Add(-time.Hour)} {
		require.NoError(t, store.RecordUse(t.Context(), map[apikey.ID]time.Time{credential.ID: at, apikey.NewCredential().ID: at}))
		require.WithinDuration(t, used, lastUse(), 0)
	}
	require.NoError(t, store.RecordUse(t.Context(), map[apikey.ID]time.Time{credential.ID: time.Now().Add(time.Hour)}))
	require.False(t, lastUse().After(time.Now()))
}
