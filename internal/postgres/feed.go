package postgres

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

const (
	// pollInterval bounds the delay of a change when notifications are lost.
	pollInterval = 2 * time.Second
	// pollTimeout is when a connection counts as dead: within the 5 seconds in
	// which a revocation must arrive, with a reconnect to follow.
	pollTimeout = 2 * time.Second
	// reconnectDelay is between attempts to reach the server.
	reconnectDelay = 500 * time.Millisecond
	// feedKept is half of how long the schema keeps changes: a reader that was
	// away longer may have missed some.
	feedKept = 12 * time.Hour
)

// Change is one row of the change feed. Organization and Tenant are nil where
// the thing belongs to none.
type Change struct {
	ID           int64
	At           time.Time
	Kind         string // such as tenant, user, role, api_key
	Subject      string // its identifier
	Organization *tenant.ID
	Tenant       *tenant.ID
}

// FeedHandler is told what changed, by one goroutine. The functions must not block.
type FeedHandler struct {
	// Reset: anything read before may be out of date. It is called when the feed
	// starts, and when it was away for too long or the server was replaced.
	Reset func()
	// Change: exactly once for each change committed after the last Reset.
	Change func(Change)
	// Failed: the server cannot be reached; the feed tries on.
	Failed func(error)
}

// Feed follows the change feed, by notification and every two seconds.
type Feed struct {
	pool    *Pool
	handler FeedHandler
	started bool
	cursor  uint64             // transactions below it are settled and seen
	seen    map[int64]struct{} // rows at or above the cursor that were handled
	current atomic.Int64       // Unix nanoseconds: see Current
}

// NewFeed makes a feed over the pool's server. It needs all three functions.
func NewFeed(pool *Pool, handler FeedHandler) *Feed {
	return &Feed{pool: pool, handler: handler}
}

// Current is the time up to which every change has been handled; zero before
// the first contact.
func (f *Feed) Current() time.Time {
	nanoseconds := f.current.Load()
	if nanoseconds == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanoseconds)
}

// Run follows the feed until the context ends, over a connection of its own.
func (f *Feed) Run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := f.follow(ctx); err != nil && ctx.Err() == nil {
			f.handler.Failed(err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(reconnectDelay):
		}
	}
}

// follow reads over one connection until it fails.
func (f *Feed) follow(ctx context.Context) error {
	config := f.pool.pool.Config()
	conn, err := pgx.ConnectConfig(ctx, config.ConnConfig)
	if err != nil {
		return fmt.Errorf("connect to the change feed: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if err := config.AfterConnect(ctx, conn); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "LISTEN telemetryflow_changes"); err != nil {
		return fmt.Errorf("listen for changes: %w", err)
	}
	for ctx.Err() == nil {
		if err := f.poll(ctx, conn); err != nil {
			return err
		}
		if err := await(ctx, conn); err != nil {
			return err
		}
	}
	return nil
}

// await returns at the next notification, or when it is time to poll.
func await(ctx context.Context, conn *pgx.Conn) error {
	waiting, cancel := context.WithTimeout(ctx, pollInterval)
	defer cancel()
	_, err := conn.WaitForNotification(waiting)
	if err != nil && waiting.Err() == nil {
		return fmt.Errorf("wait for changes: %w", err)
	}
	return nil
}

// poll handles what is new. It takes the next cursor before it reads, so that a
// transaction that commits between the two is read again, not missed.
func (f *Feed) poll(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	began := time.Now()
	var next uint64
	if err := conn.QueryRow(ctx, call("change_cursor", 0)).Scan(&next); err != nil {
		return fmt.Errorf("read the cursor of changes: %w", err)
	}
	if !f.started || next < f.cursor || began.Sub(f.Current()) > feedKept {
		f.started, f.cursor, f.seen = true, next, nil
		f.handler.Reset()
	}
	rows, err := conn.Query(ctx, call("changes_since", 1), f.cursor)
	if err != nil {
		return fmt.Errorf("read changes: %w", err)
	}
	changes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Change])
	if err != nil {
		return fmt.Errorf("read changes: %w", err)
	}
	seen := make(map[int64]struct{}, len(changes))
	for _, change := range changes {
		seen[change.ID] = struct{}{}
		if _, again := f.seen[change.ID]; !again {
			f.handler.Change(change)
		}
	}
	f.cursor, f.seen = next, seen
	f.current.Store(began.UnixNano())
	return nil
}
