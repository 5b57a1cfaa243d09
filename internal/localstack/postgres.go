package localstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// postgresFolders is where Debian's packages put the programs, one per version.
const postgresFolders = "/usr/lib/postgresql/*/bin"

// database is the PostgreSQL server of the stack.
type database struct {
	programs string // folder of initdb and postgres
	data     string // holds "cluster"
	account  *syscall.Credential
	state    *State
}

func newDatabase(data string, account *syscall.Credential, state *State) (*database, error) {
	d := &database{data: data, account: account, state: state}
	version, err := os.ReadFile(filepath.Join(d.cluster(), "PG_VERSION"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read the version of the PostgreSQL data: %w", err)
	}
	if d.programs, err = findPostgres(strings.TrimSpace(string(version))); err != nil {
		return nil, err
	}
	return d, nil
}

// findPostgres finds the programs of a major version; empty means the newest.
func findPostgres(version string) (string, error) {
	found, _ := filepath.Glob(postgresFolders)
	if path, err := exec.LookPath("postgres"); err == nil && version == "" && len(found) == 0 {
		return filepath.Dir(path), nil
	}
	best, bestMajor := "", 0
	for _, folder := range found {
		name := filepath.Base(filepath.Dir(folder))
		major, err := strconv.Atoi(name)
		if _, missing := os.Stat(filepath.Join(folder, "postgres")); err != nil || missing != nil {
			continue
		}
		if name == version || (version == "" && major > bestMajor) {
			best, bestMajor = folder, major
		}
	}
	switch {
	case best != "":
		return best, nil
	case version == "":
		return "", errors.New("the PostgreSQL server is not installed: run `make setup`, or install postgresql")
	default:
		return "", fmt.Errorf("the data was made by PostgreSQL %s, which is not installed: install postgresql-%s", version, version)
	}
}

func (d *database) cluster() string { return filepath.Join(d.data, "cluster") }

// initialize makes the cluster on the first run. It becomes the cluster by a
// rename, so that an interrupted run leaves no half of one.
func (d *database) initialize(ctx context.Context) error {
	if _, err := os.Stat(d.cluster()); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	fresh := d.cluster() + ".new"
	password := filepath.Join(d.data, "password")
	defer os.Remove(password)
	if err := os.RemoveAll(fresh); err != nil {
		return fmt.Errorf("remove a half-made PostgreSQL cluster: %w", err)
	}
	if err := os.WriteFile(password, []byte(d.state.PostgresPassword+"\n"), 0o600); err != nil {
		return fmt.Errorf("write the PostgreSQL password: %w", err)
	}
	if d.account != nil {
		if err := os.Chown(password, int(d.account.Uid), int(d.account.Gid)); err != nil {
			return fmt.Errorf("hand over the PostgreSQL password: %w", err)
		}
	}
	initdb := exec.CommandContext(ctx, filepath.Join(d.programs, "initdb"), "--pgdata="+fresh,
		"--username="+postgresSuperuser, "--pwfile="+password, "--auth=scram-sha-256",
		"--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions")
	initdb.Dir = d.data
	initdb.SysProcAttr = processAttributes(syscall.SIGKILL, d.account)
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("make the PostgreSQL cluster: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return os.Rename(fresh, d.cluster())
}

// forgetOwner removes the note of a server that was killed. The children's lock
// proves that it has ended; its number may belong to another process by now,
// which PostgreSQL would take for a running server.
func (d *database) forgetOwner() error {
	err := os.Remove(filepath.Join(d.cluster(), "postmaster.pid"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the note of an earlier PostgreSQL: %w", err)
	}
	return nil
}

func (d *database) service() Service {
	return Service{
		Name:  "postgres",
		RunAs: d.account,
		Command: func() *exec.Cmd {
			cmd := exec.Command(filepath.Join(d.programs, "postgres"), "-D", d.cluster(),
				"-c", "listen_addresses="+loopback, "-c", "port="+strconv.Itoa(d.state.PostgresPort),
				"-c", "unix_socket_directories=", "-c", "logging_collector=off",
				"-c", "log_destination=stderr", "-c", "log_line_prefix=", "-c", "log_checkpoints=off")
			cmd.Dir = d.data
			return cmd
		},
		Ready:        d.ready,
		StartTimeout: 3 * time.Minute, // recovery after a crash
		StopSignal:   syscall.SIGINT,  // "fast": ends the sessions, then stops cleanly
		StopTimeout:  20 * time.Second,
		OrphanSignal: syscall.SIGQUIT, // "immediate": its own processes end with it
	}
}

func (d *database) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, d.state.PostgresURL("postgres"))
	if err != nil {
		return err
	}
	return errors.Join(conn.Ping(ctx), conn.Close(ctx))
}
