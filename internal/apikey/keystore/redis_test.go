package keystore_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/apikey/keystore"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
)

func connect(t *testing.T, server *testkit.RedisServer) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(server.URL)
	require.NoError(t, err)
	options.MaxRetries = -1
	client := redis.NewClient(options)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return client
}

func cache(t *testing.T, client *redis.Client, secret byte) *keystore.Redis {
	t.Helper()
	cache := keystore.NewRedis(client, time.Hour)
	require.NoError(t, cache.UseSecret(bytes.Repeat([]byte{secret}, 32)))
	return cache
}

func record(position int64) *keystore.Record {
	return &keystore.Record{
		Organization: tenant.ID{1}, TenantBound: true, Active: true, Permissions: []tenant.Permission{tenant.LogsWrite},
		Hash: "$argon2id$hash", PreviousHash: "$argon2id$previous", PreviousUntil: time.Unix(1, 0).UTC(),
		Limits: keystore.Limits{RequestsPerMinute: 1, ItemsPerSecond: 2, BytesPerSecond: 3}, Tenants: []tenant.ID{{2}},
		Workspaces: []tenant.ID{{3}}, Position: position, ReadAt: time.Now().Round(0).UTC(),
	}
}

func TestRedis_Put(t *testing.T) {
	t.Parallel()
	client := connect(t, testkit.Redis(t))
	c, id := cache(t, client, 1), apikey.NewCredential().ID
	_, err := c.Find(t.Context(), id)
	require.ErrorIs(t, err, keystore.ErrMiss)

	later := record(10)
	require.NoError(t, c.Put(t.Context(), id, later))
	found, err := c.Find(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, later, found)

	require.NoError(t, c.Put(t.Context(), id, record(9)))
	found, err = c.Find(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, later, found, "an older reading never overwrites a later one")

	ttl := client.PTTL(t.Context(), "apikey:"+id.String()).Val()
	require.Positive(t, ttl)
	require.LessOrEqual(t, ttl, time.Hour)
	plain := client.HGet(t.Context(), "apikey:"+id.String(), "record").Val()
	require.NotContains(t, plain, "argon2id", "it is sealed")
}

// What cannot be believed is a miss, and is removed where it stands in the way.
func TestRedis_Distrust(t *testing.T) {
	t.Parallel()
	client := connect(t, testkit.Redis(t))
	c, id, other := cache(t, client, 1), apikey.NewCredential().ID, apikey.NewCredential().ID
	miss := func(c *keystore.Redis, id apikey.ID) {
		t.Helper()
		_, err := c.Find(t.Context(), id)
		require.ErrorIs(t, err, keystore.ErrMiss)
	}
	for name, readAt := range map[string]time.Duration{"old": -61 * time.Minute, "of the future": 2 * time.Minute} {
		r := record(1)
		r.ReadAt = time.Now().Add(readAt)
		require.NoError(t, c.Put(t.Context(), other, r), name)
		miss(c, other)
		require.NoError(t, client.Del(t.Context(), "apikey:"+other.String()).Err())
	}
	unequal := record(1)
	unequal.Tenants = nil
	require.NoError(t, c.Put(t.Context(), other, unequal))
	miss(c, other)

	require.NoError(t, c.Put(t.Context(), id, record(1)))
	sealed := client.HGetAll(t.Context(), "apikey:"+id.String()).Val()
	require.NoError(t, client.HSet(t.Context(), "apikey:"+other.String(), sealed).Err())
	miss(c, other) // another key's entry
	require.Zero(t, client.Exists(t.Context(), "apikey:"+other.String()).Val())
	miss(cache(t, client, 2), id) // sealed under another secret
	miss(keystore.NewRedis(client, time.Hour), id)
	require.NoError(t, keystore.NewRedis(client, time.Hour).Put(t.Context(), other, record(1)), "without a secret it holds nothing")
	miss(c, other)
	require.Error(t, keystore.NewRedis(client, time.Hour).UseSecret([]byte("short")))
}

func TestRedis_Down(t *testing.T) {
	t.Parallel()
	server := testkit.Redis(t)
	c, id := cache(t, connect(t, server), 1), apikey.NewCredential().ID
	server.Stop()
	_, err := c.Find(t.Context(), id)
	require.Error(t, err)
	require.NotErrorIs(t, err, keystore.ErrMiss)
	require.Error(t, c.Put(t.Context(), id, record(1)))
	server.Start(t)
	require.Eventually(t, func() bool { return c.Put(t.Context(), id, record(1)) == nil }, 3*time.Minute, 10*time.Millisecond)
	_, err = c.Find(t.Context(), id)
	require.NoError(t, err)
}
