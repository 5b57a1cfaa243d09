package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

const (
	// reconnectDelay is between attempts to reach the server: short against the
	// 5 seconds in which a revocation must arrive.
	reconnectDelay = 500 * time.Millisecond
	// feedKept is how long the schema keeps changes at least.
	feedKept = 24 * time.Hour
	// feedAway is half of it: a reader that was away longer may have missed some.
	feedAway = feedKept / 2
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

// FeedHandler is told what changed, by one goroutine. Its methods must not block.
type FeedHandler interface {
	// Reset means that anything read before may be out of date. It comes when the
	// feed starts, was away for too long, or finds that the server was restarted,
	// after which it may be another one, with fewer transactions than the last.
	Reset()
	// Change comes exactly once for each change committed after the last Reset,
	// and for those of FeedSettings.History before it.
	Change(change Change)
	// Caught means that every change committed before the time has been told.
	Caught(asOf time.Time)
	// Lost means that the server cannot be reached; the feed tries on.
	Lost(err error)
}

// FeedSettings say how to follow the feed.
type FeedSettings struct {
	Interval time.Duration // bounds the delay of a change when notifications are lost
	Timeout  time.Duration // after which a connection that does not answer counts as dead
	History  time.Duration // how far back changes are told after a Reset; 0 is not at all
}

// Feed follows the change feed, by notification and every interval.
type Feed struct {
	pool     *Pool
	settings FeedSettings
	handler  FeedHandler
	server   time.Time          // when it was started; zero before the first contact
	cursor   uint64             // transactions below it are settled and told
	told     map[int64]struct{} // rows at or above the cursor that were told
	caught   time.Time
}

// NewFeed makes a feed of the pool's server.
func NewFeed(pool *Pool, settings FeedSettings, handler FeedHandler) *Feed {
	return &Feed{pool: pool, settings: settings, handler: handler}
}

// Run follows the feed until the context ends, over a connection of its own.
func (f *Feed) Run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := f.follow(ctx); ctx.Err() == nil {
			f.handler.Lost(err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(reconnectDelay):
		}
	}
}

// follow reads over one connection until it fails.
func (f *Feed) follow(ctx context.Context) error {
	conn, err := f.connect(ctx)
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), f.settings.Timeout)
		defer cancel()
		_ = conn.Close(closing) // it may be dead already
	}()
	for {
		if err := f.poll(ctx, conn); err != nil {
			return err
		}
		if err := f.await(ctx, conn); err != nil {
			return err
		}
	}
}

func (f *Feed) connect(ctx context.Context) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, f.settings.Timeout)
	defer cancel()
	config := f.pool.pool.Config()
	conn, err := pgx.ConnectConfig(ctx, config.ConnConfig)
	if err != nil {
		return nil, fmt.Errorf("connect to the change feed: %w", err)
	}
	if err = config.AfterConnect(ctx, conn); err == nil {
		_, err = conn.Exec(ctx, "LISTEN telemetryflow_changes")
	}
	if err != nil {
		_ = conn.Close(ctx)
		return nil, fmt.Errorf("listen to the change feed: %w", err)
	}
	return conn, nil
}

// await returns at the next notification, or when it is time to poll.
func (f *Feed) await(ctx context.Context, conn *pgx.Conn) error {
	waiting, cancel := context.WithTimeout(ctx, f.settings.Interval)
	defer cancel()
	_, err := conn.WaitForNotification(waiting)
	timeToPoll := ctx.Err() == nil && errors.Is(waiting.Err(), context.DeadlineExceeded) && pgconn.Timeout(err) && !conn.IsClosed()
	if err == nil || timeToPoll {
		return nil
	}
	return fmt.Errorf("wait for changes: %w", err)
}

// poll tells what is new. It takes the next cursor before it reads, so that a
// transaction that commits between the two is read again, not missed; and it
// moves the cursor only after it has read.
func (f *Feed) poll(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, f.settings.Timeout)
	defer cancel()
	asOf := time.Now()
	var next uint64
	var server time.Time
	if err := conn.QueryRow(ctx, "SELECT public.change_cursor(), pg_postmaster_start_time()").Scan(&next, &server); err != nil {
		return fmt.Errorf("read the cursor of changes: %w", err)
	}
	since, window := f.cursor, feedKept
	reset := !server.Equal(f.server) || next < f.cursor || asOf.Sub(f.caught) > feedAway
	if reset {
		since, window, f.told = 0, f.settings.History, nil
	}
	rows, _ := conn.Query(ctx, call("changes_since", 1)+" WHERE at > now() - $2::interval", since, window) // CollectRows returns its error
	changes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Change])
	if err != nil {
		return fmt.Errorf("read changes: %w", err)
	}
	if reset {
		f.handler.Reset()
	}
	f.tell(changes)
	f.server, f.cursor, f.caught = server, next, asOf.Round(0) // a suspended machine's monotonic clock stands still
	f.handler.Caught(asOf)
	return nil
}

// tell passes on what was not told before. A transaction that stays open holds
// the cursor back, so that rows are read again until it ends.
func (f *Feed) tell(changes []Change) {
	told := make(map[int64]struct{}, len(changes))
	for _, change := range changes {
		told[change.ID] = struct{}{}
		if _, again := f.told[change.ID]; !again {
			f.handler.Change(change)
		}
	}
	f.told = told
}
