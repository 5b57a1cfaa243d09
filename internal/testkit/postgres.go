package testkit

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/migrate"
)

// PostgresDatabase is a private database. All roles log in without a password;
// the URLs name them.
type PostgresDatabase struct {
	AdminURL  string // the superuser, whom row-level security does not bind
	OwnerURL  string // telemetryflow_owner
	AppURL    string // telemetryflow_app
	IngestURL string // telemetryflow_ingest
}

// Postgres makes a migrated database for this test alone, in a server that the
// test binary's tests share.
func Postgres(t testing.TB) *PostgresDatabase {
	t.Helper()
	server, err := sharedPostgres()
	require.NoError(t, err)
	require.NoError(t, server.migrateTemplate())
	return server.database(t, templateDatabase)
}

// EmptyPostgres makes a database without any schema, for tests of migrations.
// The roles may exist: they belong to the server.
func EmptyPostgres(t testing.TB) *PostgresDatabase {
	t.Helper()
	server, err := sharedPostgres()
	require.NoError(t, err)
	return server.database(t, "template0")
}

// URL is the database's URL for another role.
func (d *PostgresDatabase) URL(role string) string {
	parsed, err := url.Parse(d.AdminURL)
	if err != nil {
		panic(err) // postgresServer.url wrote it
	}
	query := parsed.Query()
	query.Set("user", role)
	parsed.RawQuery = query.Encode()
	return parsed.String()
}

// ScramDatabase is an empty database in which the server asks every role for its
// password, unlike in all others.
const ScramDatabase = "telemetryflow_scram"

const (
	superuser        = "postgres"
	templateDatabase = "telemetryflow_template"
)

type postgresServer struct {
	dir  string
	bin  string
	as   *syscall.Credential
	stop func() // kept reachable: see guard
	next atomic.Int64

	once       sync.Once
	migrateErr error
}

// sharedPostgres is the one server of the test binary. It goes with the binary.
var sharedPostgres = sync.OnceValues(startPostgres)

func startPostgres() (*postgresServer, error) {
	server, err := initPostgres()
	if err != nil {
		return nil, err
	}
	if err := server.start(server.dir, "-c", "synchronous_commit=off"); err != nil {
		return nil, errors.Join(err, os.RemoveAll(server.dir))
	}
	if err := server.exec("CREATE DATABASE " + ScramDatabase); err != nil {
		server.stop()
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	return server, nil
}

// initPostgres makes the folder of a server.
func initPostgres() (*postgresServer, error) {
	bin, err := postgresBin()
	if err != nil {
		return nil, err
	}
	as, err := unprivileged()
	if err != nil {
		return nil, err
	}
	dir, err := serverDir(as)
	if err != nil {
		return nil, fmt.Errorf("make PostgreSQL's folder: %w", err)
	}
	initdb := exec.Command(filepath.Join(bin, "initdb"), "--pgdata", filepath.Join(dir, "data"), "--username", superuser,
		"--auth", "trust", "--no-sync", "--encoding", "UTF8", "--locale", "C")
	initdb.Dir, initdb.SysProcAttr = dir, &syscall.SysProcAttr{Credential: as}
	if output, err := initdb.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("initdb: %w\n%s", err, output), os.RemoveAll(dir))
	}
	if err := writeHBA(dir); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &postgresServer{dir: dir, bin: bin, as: as}, nil
}

// start starts the server. The watched folder goes with it.
func (s *postgresServer) start(watched string, settings ...string) (err error) {
	arguments := append([]string{
		"-D", filepath.Join(s.dir, "data"), "-k", s.dir, "-c", "listen_addresses=", "-c", "max_connections=200",
		"-c", "fsync=off", "-c", "full_page_writes=off", "-c", "autovacuum=off",
	}, settings...)
	s.stop, err = guard(watched, s.as, "QUIT", filepath.Join(s.bin, "postgres"), arguments...)
	if err != nil {
		return err
	}
	if err := retry(context.Background(), func() error { return s.exec("SELECT 1") }); err != nil {
		err = fmt.Errorf("start PostgreSQL: %w\n%s", err, logTail(watched))
		s.stop()
		return err
	}
	return nil
}

// writeHBA lets everybody in, but for one database.
func writeHBA(dir string) error {
	rules := "local " + ScramDatabase + " all scram-sha-256\nlocal all all trust\n"
	if err := os.WriteFile(filepath.Join(dir, "data", "pg_hba.conf"), []byte(rules), 0o600); err != nil {
		return fmt.Errorf("write pg_hba.conf: %w", err)
	}
	return nil
}

// postgresBin finds the newest server that Debian installed, or the one on PATH.
func postgresBin() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err == nil && len(found) > 0 {
		return found[len(found)-1], nil
	}
	program, err := exec.LookPath("initdb")
	if err != nil {
		return "", errors.New("find PostgreSQL: install postgresql (make setup), or put its initdb on PATH")
	}
	return filepath.Dir(program), nil
}

func (s *postgresServer) url(role, database string) string {
	query := url.Values{"host": {s.dir}, "user": {role}}
	return (&url.URL{Scheme: "postgres", Host: "", Path: "/" + database, RawQuery: query.Encode()}).String()
}

// exec runs a statement as superuser in the database postgres.
func (s *postgresServer) exec(sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.url(superuser, "postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, sql)
	return err
}

func (s *postgresServer) migrateTemplate() error {
	s.once.Do(func() {
		if s.migrateErr = s.exec("CREATE DATABASE " + templateDatabase); s.migrateErr != nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
		defer cancel()
		s.migrateErr = migratePostgres(ctx, s.url(superuser, templateDatabase))
	})
	return s.migrateErr
}

func migratePostgres(ctx context.Context, url string) error {
	database, err := migrate.OpenPostgres(ctx, url)
	if err != nil {
		return err
	}
	_, err = database.Up(ctx)
	return errors.Join(err, database.Close())
}

func (s *postgresServer) database(t testing.TB, template string) *PostgresDatabase {
	t.Helper()
	name := fmt.Sprintf("test_%d", s.next.Add(1))
	require.NoError(t, s.exec(fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s", name, template)))
	t.Cleanup(func() { require.NoError(t, s.exec("DROP DATABASE "+name+" WITH (FORCE)")) })
	return s.urls(name)
}

func (s *postgresServer) urls(name string) *PostgresDatabase {
	database := &PostgresDatabase{AdminURL: s.url(superuser, name)}
	database.OwnerURL = database.URL("telemetryflow_owner")
	database.AppURL = database.URL("telemetryflow_app")
	database.IngestURL = database.URL("telemetryflow_ingest")
	return database
}
