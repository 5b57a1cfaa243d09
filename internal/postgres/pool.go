package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Role is the database role that a program works as.
type Role string

// App is the query server's and the operator's role: all rows of its scope.
// Ingest is the collector's: nothing but its functions.
const (
	App    Role = "telemetryflow_app"
	Ingest Role = "telemetryflow_ingest"
)

// Limits of a connection, each of which the URL may set otherwise.
const (
	// maxConns is small because metadata is cached: 100 programs fit into a
	// server with 1,000 connections. In the URL: pool_max_conns.
	maxConns = 8
	// connectTimeout is what a caller waits at most for a host that does not
	// answer. In the URL: connect_timeout.
	connectTimeout = 5 * time.Second
)

// sessionLimits are sent at connect. In the URL: by the same names.
var sessionLimits = map[string]string{
	"application_name":                    "telemetryflow",
	"statement_timeout":                   "30s", // a query of metadata takes milliseconds
	"lock_timeout":                        "10s", // the longest wait for another's transaction
	"jit":                                 "off", // compiling takes longer than any query of metadata
	"idle_in_transaction_session_timeout": "60s", // a stuck program must not hold locks, nor the change feed
}

// Pool is connections under one role. It connects when it is first used, so a
// program starts while PostgreSQL is down.
type Pool struct {
	pool *pgxpool.Pool
}

// Option sets a limit of a pool, whatever the URL says.
type Option func(*pgxpool.Config)

// MaxConns is how many connections the pool makes at most.
func MaxConns(n int32) Option {
	return func(config *pgxpool.Config) { config.MaxConns = n }
}

// ConnectTimeout is how long a caller waits for a host that does not answer.
func ConnectTimeout(timeout time.Duration) Option {
	return func(config *pgxpool.Config) { config.ConnConfig.ConnectTimeout = timeout }
}

// CheckURL says whether Open can read the URL, and whether it is safe: another machine is
// spoken to over TLS with a verified certificate, unless the URL says insecure=true.
func CheckURL(url string) error {
	_, err := parse(url)
	return err
}

// ConnConfig reads the URL of a connection that is made without a pool, under the same
// rules.
func ConnConfig(url string) (*pgx.ConnConfig, error) {
	config, err := parse(url)
	if err != nil {
		return nil, err
	}
	return config.ConnConfig, nil
}

// parse does not say what is wrong, because the cause may repeat a password.
func parse(url string) (*pgxpool.Config, error) {
	config, err := secure(url)
	var weak weakError
	if errors.As(err, &weak) {
		return nil, err
	}
	if err != nil {
		return nil, errors.New("not a PostgreSQL URL: write postgres://user:password@host:5432/database")
	}
	return config, nil
}

// Open makes a pool for the URL. Its user must be the role, or a member of it.
func Open(url string, role Role, options ...Option) (*Pool, error) {
	config, err := parse(url)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(url, "pool_max_conns") {
		config.MaxConns = maxConns
	}
	if !strings.Contains(url, "connect_timeout") {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	for name, value := range sessionLimits {
		if _, given := config.ConnConfig.RuntimeParams[name]; !given {
			config.ConnConfig.RuntimeParams[name] = value
		}
	}
	for _, option := range options {
		option(config)
	}
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error { return become(ctx, conn, role) }
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		return nil, fmt.Errorf("open the PostgreSQL pool: %w", err)
	}
	return &Pool{pool: pool}, nil
}

// become leaves a connection alone that logged in as the role, because a
// connection pooler between may not keep the state of a session.
func become(ctx context.Context, conn *pgx.Conn, role Role) error {
	if conn.Config().User == string(role) {
		return nil
	}
	if _, err := conn.Exec(ctx, "SET ROLE "+string(role)); err != nil {
		return fmt.Errorf("become %s (connect as that role, or as a member of it): %w", role, err)
	}
	return nil
}

// Call runs one of the schema's functions that need no scope, and returns its
// rows. It takes a name and no SQL, so that nothing else can run unscoped.
func (p *Pool) Call(ctx context.Context, function string, arguments ...any) (pgx.Rows, error) {
	return p.pool.Query(ctx, call(function, len(arguments)), arguments...)
}

func call(function string, arguments int) string {
	placeholders := make([]string, arguments)
	for i := range placeholders {
		placeholders[i] = fmt.Sprintf("$%d", i+1)
	}
	return "SELECT * FROM " + pgx.Identifier{"public", function}.Sanitize() + "(" + strings.Join(placeholders, ", ") + ")"
}

// Close waits for the connections in use and ends them all.
func (p *Pool) Close() { p.pool.Close() }
