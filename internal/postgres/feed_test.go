package postgres_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/telemetryflow/telemetryflow/internal/postgres"
)

// recorder keeps what a feed told.
type recorder struct {
	mu       sync.Mutex
	resets   int
	changes  []postgres.Change
	failures []error
}

func (r *recorder) handler() postgres.FeedHandler {
	do := func(change func()) {
		r.mu.Lock()
		defer r.mu.Unlock()
		change()
	}
	return postgres.FeedHandler{
		Reset:  func() { do(func() { r.resets++ }) },
		Change: func(c postgres.Change) { do(func() { r.changes = append(r.changes, c) }) },
		Failed: func(err error) { do(func() { r.failures = append(r.failures, err) }) },
	}
}

func (r *recorder) read(look func(*recorder) bool) func() bool {
	return func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return look(r)
	}
}

// follow starts a feed and returns when it has begun.
func follow(t *testing.T, url string) (*recorder, *postgres.Feed) {
	t.Helper()
	awaitPast(t, connect(t, url))
	var r recorder
	feed := postgres.NewFeed(open(t, url, postgres.Ingest), r.handler())
	require.True(t, feed.Current().IsZero())
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); feed.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	require.Eventually(t, func() bool { return !feed.Current().IsZero() }, 10*time.Second, 5*time.Millisecond)
	return &r, feed
}

// awaitPast waits until every transaction up to now has ended, those of the tests
// beside this one included: a cursor taken earlier would begin with the set-up.
func awaitPast(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	var now string
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT pg_snapshot_xmax(pg_current_snapshot())::text").Scan(&now))
	require.Eventually(t, func() bool {
		var past bool
		err := conn.QueryRow(t.Context(), "SELECT pg_snapshot_xmin(pg_current_snapshot()) >= $1::text::xid8", now).Scan(&past)
		return err == nil && past
	}, 20*time.Second, 5*time.Millisecond)
}

const insertWorkspace = "INSERT INTO workspaces (organization_id, name) VALUES ($1, $2) RETURNING workspace_id::text"

// Many transactions, some long, some rolled back, commit in an order that is not
// that of their rows in the feed: each is told once.
func TestFeed_ConcurrentCommits(t *testing.T) {
	t.Parallel()
	w := setup(t)
	r, _ := follow(t, w.IngestURL)
	var mu sync.Mutex
	committed := map[string]bool{}
	var group errgroup.Group
	for worker := range 8 {
		group.Go(func() error {
			for i := range 40 {
				var id string
				err := w.app.InScope(context.Background(), postgres.Organization(w.one.id), func(tx pgx.Tx) error {
					if err := tx.QueryRow(context.Background(), insertWorkspace, w.one.id, fmt.Sprintf("w %d.%d", worker, i)).Scan(&id); err != nil {
						return err
					}
					if i%5 == 0 { // hold the row of the feed back while others commit theirs
						if _, err := tx.Exec(context.Background(), "SELECT pg_sleep(0.02 * random())"); err != nil {
							return err
						}
					}
					if i%7 == 0 {
						return context.Canceled
					}
					return nil
				})
				if err == nil {
					mu.Lock()
					committed[id] = true
					mu.Unlock()
				}
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
	require.Len(t, committed, 8*34)
	require.Eventually(t, r.read(func(r *recorder) bool { return len(r.changes) >= len(committed) }), 10*time.Second, 10*time.Millisecond)
	r.mu.Lock()
	defer r.mu.Unlock()
	require.Equal(t, 1, r.resets)
	require.Empty(t, r.failures)
	for _, change := range r.changes {
		require.Equal(t, "workspace", change.Kind)
		require.Equal(t, w.one.id, *change.Organization)
		require.True(t, committed[change.Subject], "told twice, or never committed")
		delete(committed, change.Subject)
	}
	require.Empty(t, committed)
}

// A transaction that began early and commits last has the lowest row of the feed.
func TestFeed_LateCommit(t *testing.T) {
	t.Parallel()
	w := setup(t)
	r, feed := follow(t, w.IngestURL)
	var early, late string
	require.NoError(t, w.app.InScope(t.Context(), postgres.Organization(w.one.id), func(tx pgx.Tx) error {
		row(t, tx, &late, insertWorkspace, w.one.id, "late")
		err := w.app.InScope(t.Context(), postgres.Organization(w.two.id), func(tx pgx.Tx) error {
			row(t, tx, &early, insertWorkspace, w.two.id, "early")
			return nil
		})
		require.Eventually(t, r.read(func(r *recorder) bool { return len(r.changes) == 1 }), 10*time.Second, time.Millisecond,
			"the later row is told while the earlier is still hidden")
		return err
	}))
	mark := time.Now()
	require.Eventually(t, func() bool { return feed.Current().After(mark) }, 10*time.Second, 10*time.Millisecond, "the next polls")
	r.mu.Lock()
	defer r.mu.Unlock()
	require.Len(t, r.changes, 2)
	require.ElementsMatch(t, []string{early, late}, []string{r.changes[0].Subject, r.changes[1].Subject})
}

// A lost connection is made anew, and what was committed meanwhile is told.
func TestFeed_Reconnect(t *testing.T) {
	t.Parallel()
	w := setup(t)
	r, _ := follow(t, w.IngestURL)
	admin := connect(t, w.AdminURL)
	_, err := admin.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE usename = 'telemetryflow_ingest' AND datname = current_database()`)
	require.NoError(t, err)
	require.NoError(t, w.app.InScope(t.Context(), postgres.Organization(w.one.id), func(tx pgx.Tx) error {
		exec(t, tx, "UPDATE tenants SET name = 'renamed' WHERE tenant_id = $1", w.one.tenant)
		return nil
	}))
	require.Eventually(t, r.read(func(r *recorder) bool { return len(r.changes) == 1 }), 10*time.Second, 10*time.Millisecond)
	r.mu.Lock()
	defer r.mu.Unlock()
	require.NotEmpty(t, r.failures)
	require.Equal(t, 1, r.resets, "the cursor held")
	require.Equal(t, w.one.tenant.String(), r.changes[0].Subject)
}

// What every kind of change is told as.
func TestFeed_Kinds(t *testing.T) {
	t.Parallel()
	w := setup(t)
	r, _ := follow(t, w.IngestURL)
	for _, sql := range []string{
		"UPDATE organizations SET name = 'renamed'",
		"UPDATE organizations SET name = 'renamed'", // changes nothing, and is not told
		"UPDATE tenants SET name = 'renamed' WHERE name = 'tenant'",
		"UPDATE retention_policies SET days = 10 WHERE signal = 'logs' AND tenant_id = (SELECT tenant_id FROM tenants WHERE name = 'renamed')",
		"UPDATE users SET is_enabled = FALSE",
		"DELETE FROM user_roles",
		"DELETE FROM memberships",
		"DELETE FROM role_permissions WHERE organization_id IS NOT NULL",
		"DELETE FROM roles WHERE organization_id IS NOT NULL",
		"SELECT delete_user(user_id) FROM users",
	} {
		affected(t, w.app, postgres.Organization(w.one.id), sql)
	}
	want := "organization tenant retention user user user role role user"
	kinds := func(r *recorder) string {
		var all []string
		for _, change := range r.changes {
			all = append(all, change.Kind)
		}
		return strings.Join(all, " ")
	}
	require.Eventually(t, r.read(func(r *recorder) bool { return kinds(r) == want }), 10*time.Second, 10*time.Millisecond)
}

// Rows of yesterday go as new ones come.
func TestFeed_Pruned(t *testing.T) {
	t.Parallel()
	w := setup(t)
	admin := connect(t, w.AdminURL)
	_, err := admin.Exec(t.Context(), "UPDATE change_feed SET at = now() - interval '25 hours'")
	require.NoError(t, err)
	var old int
	for i := range 20 {
		affected(t, w.app, postgres.Organization(w.one.id), "UPDATE workspaces SET name = $1", strconv.Itoa(i))
	}
	require.NoError(t, admin.QueryRow(t.Context(), "SELECT count(*) FROM change_feed WHERE at < now() - interval '1 day'").Scan(&old))
	require.Zero(t, old)
	var now int
	require.NoError(t, admin.QueryRow(t.Context(), "SELECT count(*) FROM change_feed").Scan(&now))
	require.Equal(t, 20, now)
}
