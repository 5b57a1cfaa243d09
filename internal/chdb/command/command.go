package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/telemetryflow/telemetryflow/internal/chdb"
	"github.com/telemetryflow/telemetryflow/internal/chdb/server"
)

// flags are the command's settings.
type flags struct {
	engine       chdb.Options
	server       server.Options
	listen       string
	socket       string
	allowRemote  bool
	passwordFile string
	tokenFile    string
	drainTimeout time.Duration
}

// defaultDrainTimeout is below the 30 s that service managers usually wait before
// they kill.
const defaultDrainTimeout = 20 * time.Second

// New returns the command. It runs until its context ends, it is signalled, or
// a listener fails.
func New() *cobra.Command {
	f := &flags{}
	command := &cobra.Command{
		Use:   "engine",
		Short: "Run the embedded ClickHouse engine behind ClickHouse's HTTP interface",
		Long:  "Run the embedded ClickHouse engine behind ClickHouse's HTTP interface. See docs/engine.md for what it supports.",
		Args:  cobra.NoArgs,

		SilenceUsage: true, SilenceErrors: true,

		RunE: func(command *cobra.Command, _ []string) error { return f.run(command.Context(), command.OutOrStdout()) },
	}
	f.register(command)
	return command
}

func (f *flags) register(command *cobra.Command) {
	set := command.Flags()
	connections := chdb.DefaultConnections()
	set.StringVar(&f.engine.DataPath, "data-dir", ".data/clickhouse", "folder of the database; one engine at a time owns it")
	set.StringVar(&f.engine.Library, "libchdb", defaultLibrary(), "path of libchdb.so [TELEMETRYFLOW_LIBCHDB]")
	set.StringVar(&f.listen, "listen", "127.0.0.1:8123", "TCP address, on loopback; empty for none")
	set.StringVar(&f.socket, "unix-socket", "", "path of a unix socket to listen on as well")
	set.BoolVar(&f.allowRemote, "allow-remote", false, "allow --listen on an address other machines can reach; needs a credential and a firewall")
	set.StringVar(&f.server.User, "user", "telemetryflow", "the one user, once there is a password")
	set.StringVar(&f.passwordFile, "password-file", "", "file with the user's password [TELEMETRYFLOW_ENGINE_PASSWORD is the password]; without password and token everyone on this machine may connect")
	set.StringVar(&f.tokenFile, "token-file", "", "file with a bearer token to accept [TELEMETRYFLOW_ENGINE_TOKEN is the token]")

	set.BoolVar(&f.server.AllowOutside, "allow-outside", false, "allow SQL to reach files, the network and other programs: file(), url(), remote(), ENGINE = S3, dictionary sources, …")

	set.IntVar(&f.engine.Connections[chdb.Queries], "max-queries", connections[chdb.Queries], "reads that run at once")
	set.IntVar(&f.engine.Connections[chdb.Inserts], "max-inserts", connections[chdb.Inserts], "INSERTs with data that run at once")
	set.IntVar(&f.engine.Connections[chdb.Others], "max-others", connections[chdb.Others], "DDL, INSERT … SELECT and exports that run at once")
	set.IntVar(&f.engine.Connections[chdb.Sessions], "max-sessions", connections[chdb.Sessions], "sessions (session_id) at once; each keeps a connection")
	set.IntVar(&f.engine.QueueLength, "queue-length", chdb.DefaultQueueLength, "statements that may wait, for each of the four")
	set.DurationVar(&f.engine.QueueWait, "queue-wait", chdb.DefaultQueueWait, "longest wait for a connection; then 503 and code 202")

	set.Uint64Var(&f.engine.MaxMemory, "max-memory", 0, "bytes the engine may use; 0 for half of the machine's memory")
	set.Uint64Var(&f.engine.MarkCache, "mark-cache", chdb.DefaultMarkCache, "bytes of ClickHouse's mark_cache_size")
	set.IntVar(&f.engine.BackgroundPool, "background-pool", chdb.DefaultBackgroundPool, "threads that merge (background_pool_size)")
	set.DurationVar(&f.server.MaxExecutionTime, "max-execution-time", server.DefaultMaxExecutionTime, "of a statement whose client sets none")
	set.Uint64Var(&f.server.MaxMemoryUsage, "max-memory-usage", 0, "bytes of a statement whose client sets none; 0 for --max-memory alone")
	set.Int64Var(&f.server.MaxBody, "max-body", server.DefaultMaxBody, "bytes of a request body after decompression")
	set.Int64Var(&f.server.MaxQuery, "max-query", server.DefaultMaxQuery, "bytes of a statement's text")
	set.Int64Var(&f.server.MaxBuffered, "max-buffered-result", server.DefaultMaxBuffered, "bytes of a result that cannot be streamed")
	set.DurationVar(&f.server.StallTimeout, "stall-timeout", server.DefaultStallTimeout, "how long a client may neither read nor send before its statement is cancelled")
	set.DurationVar(&f.server.SessionTimeout, "session-timeout", server.DefaultSessionTimeout, "of a session whose client sets none")
	set.DurationVar(&f.drainTimeout, "drain-timeout", defaultDrainTimeout, "how long running statements may go on after SIGTERM")
}

// defaultLibrary is the setting, or lib/libchdb.so beside the folder of the
// executable, which is where `make setup` puts it.
func defaultLibrary() string {
	if path := os.Getenv("TELEMETRYFLOW_LIBCHDB"); path != "" {
		return path
	}
	executable, err := os.Executable()
	if err != nil {
		return "lib/libchdb.so"
	}
	return filepath.Join(filepath.Dir(executable), "..", "lib", "libchdb.so")
}

func (f *flags) run(ctx context.Context, stdout io.Writer) error {
	if err := f.credentials(); err != nil {
		return err
	}
	listeners, err := f.listeners()
	if err != nil {
		return err
	}
	defer closeAll(listeners)
	if !f.server.AllowOutside {
		if err := enterEmptyFolder(&f.engine); err != nil {
			return err
		}
	}
	engine, err := chdb.Start(f.engine)
	if err != nil {
		return err
	}
	defer engine.Close()
	front, err := server.New(engine, f.server)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	for _, listener := range listeners {
		fmt.Fprintf(stdout, "engine %s ready on %s\n", engine.Version(), listener.Addr())
	}
	failed := make(chan error, 1)
	go func() { failed <- front.Serve(listeners...) }()
	select {
	case err := <-failed:
		return errors.Join(err, f.drain(front)) //nolint:contextcheck // draining has its own time, begun when ctx ends
	case <-ctx.Done():
		return f.drain(front) //nolint:contextcheck // ctx has ended
	}
}

// enterEmptyFolder leaves the folder that the command was started in: the
// engine takes the name of a table that it does not know for that of a file there.
func enterEmptyFolder(options *chdb.Options) error {
	for _, path := range []*string{&options.Library, &options.DataPath} {
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return fmt.Errorf("find %s: %w", *path, err)
		}
		*path = absolute
	}
	empty := filepath.Join(options.DataPath, "empty")
	if err := os.MkdirAll(empty, 0o750); err != nil {
		return fmt.Errorf("make an empty folder to work in: %w", err)
	}
	if err := os.Chdir(empty); err != nil {
		return fmt.Errorf("enter an empty folder: %w", err)
	}
	return nil
}

func (f *flags) drain(front *server.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), f.drainTimeout)
	defer cancel()
	if err := front.Shutdown(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stop: %w", err)
	}
	return nil
}

func (f *flags) credentials() error {
	f.server.Password = os.Getenv("TELEMETRYFLOW_ENGINE_PASSWORD")
	f.server.Token = os.Getenv("TELEMETRYFLOW_ENGINE_TOKEN")
	for path, secret := range map[string]*string{f.passwordFile: &f.server.Password, f.tokenFile: &f.server.Token} {
		if path == "" {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("read secret: %w", err)
		}
		*secret = strings.TrimSpace(string(text))
	}
	return nil
}

func (f *flags) listeners() ([]net.Listener, error) {
	var listeners []net.Listener
	if f.listen != "" {
		if err := server.CheckListen(f.listen, f.allowRemote); err != nil {
			return nil, err
		}
		if f.allowRemote {
			if err := f.server.CheckRemote(); err != nil {
				return nil, err
			}
		}
		listener, err := net.Listen("tcp", f.listen)
		if err != nil {
			return nil, fmt.Errorf("listen: %w", err)
		}
		listeners = append(listeners, listener)
	}
	if f.socket != "" {
		listener, err := listenUnix(f.socket)
		if err != nil {
			closeAll(listeners)
			return nil, err
		}
		listeners = append(listeners, listener)
	}
	if len(listeners) == 0 {
		return nil, errors.New("nothing to listen on: set --listen or --unix-socket")
	}
	return listeners, nil
}

// listenUnix replaces a socket that a killed engine left, and lets only this
// user connect.
func listenUnix(path string) (net.Listener, error) {
	if connection, err := net.Dial("unix", path); err == nil {
		connection.Close()
		return nil, fmt.Errorf("unix socket %s is in use: stop the process behind it, or choose another --unix-socket", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("replace unix socket: %w", err)
	}
	old := syscall.Umask(0o177)
	defer syscall.Umask(old)
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return listener, nil
}

func closeAll(listeners []net.Listener) {
	for _, listener := range listeners {
		listener.Close()
	}
}
