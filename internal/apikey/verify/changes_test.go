package verify_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/apikey/keyadmin"
	"github.com/telemetryflow/telemetryflow/internal/bootstrap"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
	"github.com/telemetryflow/telemetryflow/internal/testkit/apikeytest"
)

func TestEngine_Revoked(t *testing.T) {
	t.Parallel()
	w, redis := apikeytest.NewWorld(t), testkit.Redis(t)
	c := collect(t, w.IngestURL, redis.URL)
	credential := w.Key(t)
	c.within(t, patience, credential, nil)
	_, err := w.Admin.Revoke(t.Context(), credential.ID)
	require.NoError(t, err)
	c.within(t, promised, credential, apikey.ErrUnauthenticated)
}

// What changes while the feed's connection is cut is told when it is back.
func TestEngine_FeedCut(t *testing.T) {
	t.Parallel()
	w := apikeytest.NewWorld(t)
	gate := apikeytest.NewGate(t, w.IngestURL)
	keys := make([]apikey.Credential, 40)
	for i := range keys {
		keys[i] = apikey.NewCredential()
	}
	w.Store(t, keys...)
	c := collect(t, gate.URL, "")
	for _, key := range keys {
		c.good(t, key)
	}
	gate.Close()
	var changes sync.WaitGroup
	for _, key := range keys[:len(keys)-1] { // their transactions end in any order
		changes.Go(func() {
			if _, err := w.Admin.Revoke(t.Context(), key.ID); err != nil {
				t.Error(err)
			}
		})
	}
	changes.Wait()
	for _, key := range keys {
		c.good(t, key, "nothing is heard yet")
	}
	gate.Open()
	for _, key := range keys[:len(keys)-1] {
		c.within(t, promised, key, apikey.ErrUnauthenticated)
	}
	c.good(t, keys[len(keys)-1])
}

// A key ends with whatever it is bound to, or in.
func TestEngine_Deleted(t *testing.T) {
	t.Parallel()
	for kind, remove := range map[string]func(t *testing.T, w *apikeytest.World) error{
		"Tenant": func(t *testing.T, w *apikeytest.World) error {
			return bootstrap.DeleteTenant(t.Context(), w.Pool, w.Organization, w.Tenant)
		},
		"Workspace": func(t *testing.T, w *apikeytest.World) error {
			return bootstrap.DeleteWorkspace(t.Context(), w.Pool, w.Organization, w.Workspace)
		},
		"Organization": func(t *testing.T, w *apikeytest.World) error {
			return bootstrap.DeleteOrganization(t.Context(), w.Pool, w.Organization)
		},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := apikeytest.NewWorld(t)
			c := collect(t, w.IngestURL, "")
			credential := w.Key(t)
			c.within(t, patience, credential, nil)
			require.NoError(t, remove(t, w))
			c.within(t, promised, credential, apikey.ErrUnauthenticated)
		})
	}
}

// A key works at once, also where it was asked for before it existed.
func TestEngine_JustCreated(t *testing.T) {
	t.Parallel()
	w := apikeytest.NewWorld(t)
	c := collect(t, w.IngestURL, "")
	credential := apikey.NewCredential()
	c.refused(t, credential)
	hits := c.Stats.NegativeHits.Load()
	c.refused(t, credential)
	require.Equal(t, hits+1, c.Stats.NegativeHits.Load(), "it is remembered that there is no such key")
	w.Store(t, credential)
	c.within(t, promised, credential, nil)
}

func TestEngine_Expired(t *testing.T) {
	t.Parallel()
	w := apikeytest.NewWorld(t)
	c := collect(t, w.IngestURL, "")
	at := time.Now().Add(time.Hour)
	credential := w.Key(t, func(key *keyadmin.NewKey) { key.ExpiresAt = &at })
	c.good(t, credential)
	require.NoError(t, c.judge(credential, 59*time.Minute))
	require.Equal(t, apikey.ErrUnauthenticated, c.judge(credential, time.Hour+time.Second), "from memory")
	require.Equal(t, apikey.ErrUnauthenticated, collect(t, w.IngestURL, "").judge(credential, time.Hour+time.Second), "by a new collector")
}

// After a rotation both secrets hold, until the grace is over.
func TestEngine_Rotated(t *testing.T) {
	t.Parallel()
	w := apikeytest.NewWorld(t)
	c := collect(t, w.IngestURL, "")
	old := w.Key(t)
	c.within(t, patience, old, nil)
	_, renewed, err := w.Admin.Rotate(t.Context(), old.ID, time.Hour)
	require.NoError(t, err)
	c.within(t, patience, renewed, nil)
	c.good(t, old, "within the grace")
	c.refused(t, apikeytest.Wrong(old), "of both secrets, it is neither")
	require.NoError(t, c.judge(renewed, 61*time.Minute))
	require.Equal(t, apikey.ErrUnauthenticated, c.judge(old, 61*time.Minute), "after the grace")
	fresh := collect(t, w.IngestURL, "")
	fresh.good(t, old, "a new collector knows both, too")
	fresh.good(t, renewed)

	_, last, err := w.Admin.Rotate(t.Context(), old.ID, 0)
	require.NoError(t, err)
	c.within(t, patience, last, nil)
	c.refused(t, renewed, "no grace")
	c.refused(t, old)
}
