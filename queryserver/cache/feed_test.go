package cache_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/metric/noop"

	"github.com/telemetryflow/telemetryflow/internal/bootstrap"
	"github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
	"github.com/telemetryflow/telemetryflow/queryserver/cache"
)

// follower tells a cache what the feed tells.
type follower struct {
	cache  *cache.Cache
	caught chan struct{}
}

func (f follower) Reset() { f.cache.Reset() }

func (f follower) Change(c postgres.Change) {
	switch c.Kind {
	case "user":
		f.cache.Invalidate("user:"+c.Subject, "rbac:permissions:"+c.Subject)
	case "role":
		f.cache.InvalidateOwner("rbac:permissions", *c.Organization)
	}
}

func (f follower) Caught(time.Time) {
	select {
	case f.caught <- struct{}{}:
	default:
	}
}

func (follower) Lost(error) {}

// A change that nobody told the cache of arrives by the feed, with Redis gone, and the
// entry that Redis still has when it is back is not believed (ASVS 8.3.2, rule 26).
func TestCache_FeedRevokesWithRedisGone(t *testing.T) {
	t.Parallel()
	database := testkit.Postgres(t)
	app, err := postgres.Open(database.AppURL, postgres.App)
	require.NoError(t, err)
	t.Cleanup(app.Close)
	organization, err := bootstrap.CreateOrganization(t.Context(), app, "acme")
	require.NoError(t, err)
	in := func(do func(pgx.Tx) error) {
		require.NoError(t, app.InScope(t.Context(), postgres.Organization(organization), do))
	}
	var id string
	in(func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), "INSERT INTO users (organization_id, email) VALUES ($1, 'a@example.com') RETURNING user_id::text", organization).Scan(&id)
	})

	w := setup(t)
	w.settings.RedisTimeout, w.settings.RedisPause = time.Second, 10*time.Millisecond
	c, err := cache.New(w.settings, w.options(t), slog.New(slog.DiscardHandler), noop.Meter{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	type access struct {
		Organization tenant.ID
		Enabled      bool
	}
	declare := func(name string, l1, l2 time.Duration) func() bool {
		view := cache.Of(c, cache.Kind[access]{Name: name, L1: l1, L2: l2, Owner: func(a access) tenant.ID { return a.Organization }})
		return func() bool {
			a, _, err := view.Get(t.Context(), organization, id, func(ctx context.Context) (access, error) {
				a := access{Organization: organization}
				err := app.InScope(ctx, postgres.Organization(organization), func(tx pgx.Tx) error {
					return tx.QueryRow(ctx, "SELECT is_enabled FROM users WHERE user_id = $1", id).Scan(&a.Enabled)
				})
				return a, err
			})
			require.NoError(t, err)
			return a.Enabled
		}
	}
	// One that only L1 keeps, and one that only L2 keeps.
	near, far := declare("user", 5*time.Minute, 0), declare("rbac:permissions", 0, 5*time.Minute)
	f := follower{cache: c, caught: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		postgres.NewFeed(app, postgres.FeedSettings{Interval: 2 * time.Second, Timeout: time.Minute}, f).Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-done })
	<-f.caught

	require.True(t, near())
	require.True(t, far())
	require.EqualValues(t, 1, w.client.Exists(t.Context(), w.key("rbac:permissions:"+id)).Val())
	thaw := w.freeze(t)
	in(func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), "UPDATE users SET is_enabled = FALSE WHERE user_id = $1", id)
		return err
	})
	require.Eventually(t, func() bool { return !near() }, patience, 10*time.Millisecond)
	require.False(t, far(), "Redis is silent")
	thaw()
	require.Eventually(t, func() bool {
		require.False(t, far(), "Redis still has the entry")
		return c.Stats().Kinds["rbac:permissions"].Rejected["invalidated"] > 0
	}, patience, 10*time.Millisecond)
}
