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

// patience is how long a test waits for what should come at once: machines that
// run tests are slow at times.
const patience = 2 * time.Minute

// recorder keeps what a feed told.
type recorder struct {
	mu       sync.Mutex
	resets   int
	changes  []postgres.Change
	caught   time.Time
	failures []error
}

func (r *recorder) do(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
}

func (r *recorder) Reset()                   { r.do(func() { r.resets++ }) }
func (r *recorder) Change(c postgres.Change) { r.do(func() { r.changes = append(r.changes, c) }) }
func (r *recorder) Caught(asOf time.Time)    { r.do(func() { r.caught = asOf }) }
func (r *recorder) Lost(err error)           { r.do(func() { r.failures = append(r.failures, err) }) }

// await waits until what was told satisfies the look.
func (r *recorder) await(t *testing.T, look func(*recorder) bool, message ...any) {
	t.Helper()
	require.Eventually(t, func() (ok bool) {
		r.do(func() { ok = look(r) })
		return ok
	}, patience, 5*time.Millisecond, message...)
}

// follow starts a feed and returns when it has begun.
func follow(t *testing.T, url string, history time.Duration) *recorder {
	t.Helper()
	awaitPast(t, connect(t, url))
	var r recorder
	settings := postgres.FeedSettings{Interval: 2 * time.Second, Timeout: time.Minute, History: history}
	feed := postgres.NewFeed(open(t, url, postgres.Ingest), settings, &r)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); feed.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	r.await(t, func(r *recorder) bool { return !r.caught.IsZero() })
	return &r
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
	}, patience, 5*time.Millisecond)
}

const insertWorkspace = "INSERT INTO workspaces (organization_id, name) VALUES ($1, $2) RETURNING workspace_id::text"

// Many transactions, some long, some rolled back, commit in an order that is not
// that of their rows in the feed: each is told once.
func TestFeed_ConcurrentCommits(t *testing.T) {
	t.Parallel()
	w := setup(t)
	r := follow(t, w.IngestURL, 0)
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
	r.await(t, func(r *recorder) bool { return len(r.changes) >= len(committed) })
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
	r := follow(t, w.IngestURL, 0)
	var early, late string
	require.NoError(t, w.app.InScope(t.Context(), postgres.Organization(w.one.id), func(tx pgx.Tx) error {
		row(t, tx, &late, insertWorkspace, w.one.id, "late")
		err := w.app.InScope(t.Context(), postgres.Organization(w.two.id), func(tx pgx.Tx) error {
			row(t, tx, &early, insertWorkspace, w.two.id, "early")
			return nil
		})
		r.await(t, func(r *recorder) bool { return len(r.changes) == 1 },
			"the later row is told while the earlier is still hidden")
		return err
	}))
	mark := time.Now()
	r.await(t, func(r *recorder) bool { return r.caught.After(mark) }, "the next polls")
	r.mu.Lock()
	defer r.mu.Unlock()
	require.Len(t, r.changes, 2)
	require.ElementsMatch(t, []string{early, late}, []string{r.changes[0].Subject, r.changes[1].Subject})
}

// A lost connection is made anew, and what was committed meanwhile is told.
func TestFeed_Reconnect(t *testing.T) {
	t.Parallel()
	w := setup(t)
	r := follow(t, w.IngestURL, 0)
	admin := connect(t, w.AdminURL)
	_, err := admin.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE usename = 'telemetryflow_ingest' AND datname = current_database()`)
	require.NoError(t, err)
	require.NoError(t, w.app.InScope(t.Context(), postgres.Organization(w.one.id), func(tx pgx.Tx) error {
		exec(t, tx, "UPDATE tenants SET name = 'renamed' WHERE tenant_id = $1", w.one.tenant)
		return nil
	}))
	r.await(t, func(r *recorder) bool { return len(r.changes) == 1 })
	r.mu.Lock()
	defer r.mu.Unlock()
	require.NotEmpty(t, r.failures)
	require.Equal(t, 1, r.resets, "the cursor held")
	require.Equal(t, w.one.tenant.String(), r.changes[0].Subject)
}

// A server that may be another one, or an older state of it, has all read anew.
func TestFeed_Reset(t *testing.T) {
	t.Parallel()
	for name, replaced := range map[string]string{
		"Restart": "CREATE OR REPLACE FUNCTION public.pg_postmaster_start_time() RETURNS timestamptz LANGUAGE sql RETURN 'tomorrow'::timestamptz",
		"Restore": "CREATE OR REPLACE FUNCTION change_cursor() RETURNS xid8 LANGUAGE sql VOLATILE RETURN '3'::xid8",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			admin := connect(t, w.AdminURL)
			_, err := admin.Exec(t.Context(), `DELETE FROM change_feed;
				CREATE FUNCTION public.pg_postmaster_start_time() RETURNS timestamptz LANGUAGE sql RETURN 'today'::timestamptz;
				GRANT EXECUTE ON FUNCTION public.pg_postmaster_start_time() TO PUBLIC`)
			require.NoError(t, err)
			r := follow(t, w.IngestURL+"&search_path=public,pg_catalog", time.Hour)
			affected(t, w.app, postgres.Organization(w.one.id), "UPDATE workspaces SET name = 'renamed'")
			r.await(t, func(r *recorder) bool { return len(r.changes) == 1 })
			_, err = admin.Exec(t.Context(), replaced)
			require.NoError(t, err)
			r.await(t, func(r *recorder) bool { return r.resets > 1 })
			r.await(t, func(r *recorder) bool { return len(r.changes) >= 2 && r.changes[1].ID == r.changes[0].ID }, "what came before is told again")
		})
	}
}

// A reader that asks for it is told what changed before it came.
func TestFeed_History(t *testing.T) {
	t.Parallel()
	w := setup(t)
	_, err := connect(t, w.AdminURL).Exec(t.Context(), "UPDATE change_feed SET at = now() - interval '2 hours' WHERE kind <> 'user'")
	require.NoError(t, err)
	r := follow(t, w.IngestURL, time.Hour)
	affected(t, w.app, postgres.Organization(w.one.id), "UPDATE workspaces SET name = 'renamed'")
	r.await(t, func(r *recorder) bool { return len(r.changes) > 0 && r.changes[len(r.changes)-1].Kind == "workspace" })
	r.do(func() {
		require.Len(t, r.changes, 2*4+1, "of two organizations: a user, its membership, its role, its password")
		require.Equal(t, 1, r.resets)
	})
}

// What every kind of change is told as.
func TestFeed_Kinds(t *testing.T) {
	t.Parallel()
	w := setup(t)
	r := follow(t, w.IngestURL, 0)
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
	want := "organization tenant retention user user user role role service_account role user"
	kinds := func(r *recorder) string {
		var all []string
		for _, change := range r.changes {
			all = append(all, change.Kind)
		}
		return strings.Join(all, " ")
	}
	r.await(t, func(r *recorder) bool { return strings.Count(kinds(r), " ") >= strings.Count(want, " ") })
	r.do(func() { require.Equal(t, want, kinds(r)) })
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
