package testkit

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// ClickHouseDatabase is a private, empty database.
type ClickHouseDatabase struct {
	URL      string // http://user:password@127.0.0.1:port/database, as clickhouse-go reads it
	Addr     string // 127.0.0.1:port
	User     string
	Password string
	Database string
}

// ClickHouse makes a database for this test alone, in an engine that the test
// binary's tests share. The engine is another process: libchdb cannot live in a
// test binary that was built with -race.
func ClickHouse(t testing.TB) *ClickHouseDatabase {
	t.Helper()
	server, err := sharedClickHouse()
	require.NoError(t, err)
	return server.Database(t)
}

// ClickHouseServer is an engine that a test may stop, kill and start again.
type ClickHouseServer struct {
	Addr string // stays the same over restarts

	dir      string // of the data, which outlives a restart
	watched  string // the folder that goes with the running engine
	password string
	next     atomic.Int64
	stop     func() // kept reachable: see guard
}

const engineUser = "telemetryflow"

// sharedClickHouse is the one shared engine of the test binary.
var sharedClickHouse = sync.OnceValues(func() (*ClickHouseServer, error) {
	server, err := newClickHouseServer()
	if err != nil {
		return nil, err
	}
	server.watched = server.dir // nobody else could remove it when the test binary dies
	return server, server.start()
})

// NewClickHouseServer starts an engine for this test alone: a second or less.
func NewClickHouseServer(t testing.TB, flags ...string) *ClickHouseServer {
	t.Helper()
	server, err := newClickHouseServer()
	require.NoError(t, err)
	server.watched = filepath.Join(server.dir, "run")
	require.NoError(t, server.start(flags...))
	t.Cleanup(func() {
		server.Kill()
		require.NoError(t, os.RemoveAll(server.dir))
	})
	return server
}

func newClickHouseServer() (*ClickHouseServer, error) {
	dir, err := serverDir(nil)
	if err != nil {
		return nil, fmt.Errorf("make the engine's folder: %w", err)
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	return &ClickHouseServer{Addr: address, dir: dir, password: rand.Text()}, nil
}

// freeAddress is one that was free a moment ago, and that a restarted engine
// can have again.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}

// Start starts a stopped or killed engine again, on the same data and address.
func (s *ClickHouseServer) Start(t testing.TB, flags ...string) {
	t.Helper()
	require.Nil(t, s.stop, "the engine runs already")
	require.NoError(t, s.start(flags...))
}

func (s *ClickHouseServer) start(flags ...string) error {
	program, err := engineProgram()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.watched, 0o700); err != nil {
		return fmt.Errorf("make the engine's folder: %w", err)
	}
	secret := filepath.Join(s.dir, "password")
	if err := os.WriteFile(secret, []byte(s.password), 0o600); err != nil {
		return fmt.Errorf("write the engine's password: %w", err)
	}
	args := append([]string{
		"--data-dir", filepath.Join(s.dir, "data"), "--listen", s.Addr, "--user", engineUser,
		"--password-file", secret, "--drain-timeout", "1s",
	}, flags...)
	s.stop, err = guard(s.watched, nil, "KILL", program, args...)
	if err != nil {
		return err
	}
	if err := s.await(); err != nil {
		err = fmt.Errorf("await the engine: %w\n%s", err, logTail(s.watched))
		s.Kill()
		return err
	}
	return nil
}

func (s *ClickHouseServer) await() error {
	return retry(context.Background(), func() error { return s.Exec("SELECT 1") })
}

// Kill ends the engine as kill -9 does, and keeps its data.
func (s *ClickHouseServer) Kill() {
	if s.stop != nil {
		s.stop()
		s.stop = nil
	}
}

// Exec runs a statement in the database default.
func (s *ClickHouseServer) Exec(sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.Addr+"/", strings.NewReader(sql))
	if err != nil {
		return err
	}
	request.SetBasicAuth(engineUser, s.password)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = errors.New(string(text))
	}
	return err
}

// Database makes an empty database that goes with the test.
func (s *ClickHouseServer) Database(t testing.TB) *ClickHouseDatabase {
	t.Helper()
	name := fmt.Sprintf("test_%d", s.next.Add(1))
	require.NoError(t, s.Exec("CREATE DATABASE "+name))
	t.Cleanup(func() {
		if s.stop != nil {
			_ = s.Exec("DROP DATABASE IF EXISTS " + name)
		}
	})
	address := &url.URL{Scheme: "http", User: url.UserPassword(engineUser, s.password), Host: s.Addr, Path: "/" + name}
	return &ClickHouseDatabase{URL: address.String(), Addr: s.Addr, User: engineUser, Password: s.password, Database: name}
}

// engineProgram builds the engine, which takes no time when it is built.
var engineProgram = sync.OnceValues(func() (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	if os.Getenv("TELEMETRYFLOW_LIBCHDB") == "" {
		if err := os.Setenv("TELEMETRYFLOW_LIBCHDB", filepath.Join(root, "lib", "libchdb.so")); err != nil {
			return "", err
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a folder for the engine's program: %w", err)
	}
	dir := filepath.Join(cache, "telemetryflow")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", fmt.Errorf("make a folder for the engine's program: %w", err)
	}
	program := filepath.Join(dir, "engine")
	return program, buildEngine(root, program)
})

// buildEngine lets one test binary build at a time.
func buildEngine(root, program string) error {
	lock, err := os.OpenFile(program+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("lock the engine's program: %w", err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock the engine's program: %w", err)
	}
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", program, "./internal/testkit/engine")
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the engine: %w\n%s", err, output)
	}
	return nil
}

// moduleRoot is the folder of go.mod, above the tests' own.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("find the module's root: no go.mod above the tests")
		}
		dir = parent
	}
}
