package keystore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

const (
	// reconnect is the pause after a lost connection: short against the 5 s in
	// which a revocation must arrive.
	reconnect = 500 * time.Millisecond
	// history is how far back the feed is read at the start, so that entries
	// which other collectors put into Redis before a change are not believed.
	history = time.Hour
	// retention is how long the feed keeps changes at least.
	retention = 24 * time.Hour
)

// Listener hears of changes. Its methods are called one at a time.
type Listener interface {
	// KeyChanged means that what was read of the key before is out of date.
	KeyChanged(id apikey.ID)
	// OrganizationChanged means that of all keys of the organization.
	OrganizationChanged(id tenant.ID)
	// Caught means that every change that was committed before the given time
	// has been told.
	Caught(asOf time.Time)
	// Lost means that the feed cannot be read; it is tried again.
	Lost(err error)
}

// Feed follows the change feed of PostgreSQL: it is woken by notifications and
// looks every interval in any case.
type Feed struct {
	config   *pgx.ConnConfig
	interval time.Duration
	timeout  time.Duration
	listener Listener
	cursor   int64          // where to read on, an xid8; 0 at the start
	told     map[int64]bool // ids read since the cursor, which will be read again
}

// NewFeed prepares to follow the feed of the database of the settings.
func NewFeed(settings PostgresSettings, interval time.Duration, listener Listener) (*Feed, error) {
	config, err := ParsePostgresURL(settings.URL)
	if err != nil {
		return nil, err
	}
	config.ConnConfig.ConnectTimeout = settings.Timeout
	return &Feed{config: config.ConnConfig, interval: interval, timeout: settings.Timeout, listener: listener}, nil
}

// Run follows the feed until the context ends.
func (f *Feed) Run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := f.follow(ctx); ctx.Err() == nil {
			f.listener.Lost(err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(reconnect):
		}
	}
}

func (f *Feed) follow(ctx context.Context) error {
	conn, err := pgx.ConnectConfig(ctx, f.config)
	if err != nil {
		return fmt.Errorf("connect to the change feed: %w", err)
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(closing)
	}()
	if err := f.listen(ctx, conn); err != nil {
		return err
	}
	for {
		if err := f.read(ctx, conn); err != nil {
			return err
		}
		if err := f.wait(ctx, conn); err != nil {
			return err
		}
	}
}

func (f *Feed) listen(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	if _, err := conn.Exec(ctx, "LISTEN telemetryflow_changes"); err != nil {
		return fmt.Errorf("listen to the change feed: %w", err)
	}
	return nil
}

// wait returns nil after a notification or the interval.
func (f *Feed) wait(ctx context.Context, conn *pgx.Conn) error {
	waiting, cancel := context.WithTimeout(ctx, f.interval)
	defer cancel()
	_, err := conn.WaitForNotification(waiting)
	if err == nil || ctx.Err() == nil && errors.Is(waiting.Err(), context.DeadlineExceeded) && pgconn.Timeout(err) && !conn.IsClosed() {
		return nil
	}
	return fmt.Errorf("wait for the change feed: %w", err)
}

// read tells the listener what has changed. The cursor is taken first, so that
// what is committed while reading is read again rather than missed.
func (f *Feed) read(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	asOf := time.Now()
	var cursor int64
	if err := conn.QueryRow(ctx, "SELECT change_cursor()::text::bigint").Scan(&cursor); err != nil {
		return fmt.Errorf("read the change feed's cursor: %w", err)
	}
	since, window := f.cursor, retention
	if since == 0 || cursor < since { // the start, or a database that was restored
		since, window = 0, history
		f.told = nil
	}
	rows, _ := conn.Query(ctx, `SELECT id, kind, subject, organization_id FROM changes_since($1::bigint::text::xid8)
		WHERE at > now() - $2::interval`, since, window) // ForEachRow returns its error
	told := make(map[int64]bool)
	var id int64
	var kind, subject string
	var organization *tenant.ID
	_, err := pgx.ForEachRow(rows, []any{&id, &kind, &subject, &organization}, func() error {
		told[id] = true
		if !f.told[id] {
			f.tell(kind, subject, organization)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the change feed: %w", err)
	}
	f.cursor, f.told = cursor, told
	f.listener.Caught(asOf)
	return nil
}

func (f *Feed) tell(kind, subject string, organization *tenant.ID) {
	switch kind {
	case "api_key":
		if id, err := apikey.ParseID(subject); err == nil {
			f.listener.KeyChanged(id)
		}
	case "organization", "workspace", "tenant":
		if organization != nil {
			f.listener.OrganizationChanged(*organization)
		}
	}
}
