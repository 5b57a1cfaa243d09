package localstack

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// stack is one run of the whole system.
type stack struct {
	config     *Config
	folders    *folders
	state      *State
	supervisor *supervisor
	// Who runs PostgreSQL and Redis, and who runs our own servers: nil is the
	// caller. They differ only when the unprivileged account cannot reach ours.
	serverAccount  *syscall.Credential
	programAccount *syscall.Credential

	firstKey  Key
	systemKey Key // of the system's own telemetry
}

// Run starts the stack, calls ready when everything answers, keeps it running
// until the context ends, and stops it. Log lines of all programs go to terminal.
func Run(ctx context.Context, config *Config, terminal io.Writer, ready func(*Summary)) (err error) {
	if err := config.Validate(); err != nil {
		return err
	}
	s := &stack{config: config}
	if s.serverAccount, err = unprivileged(); err != nil {
		return err
	}
	if s.folders, err = openFolders(config.DataDir, serverStore, s.serverAccount); err != nil {
		return err
	}
	held, err := acquireLocks(ctx, s.folders.root)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, held.release()) }()
	if err := s.prepare(); err != nil {
		return err
	}
	out, err := newOutput(terminal, s.folders.logs())
	if err != nil {
		return err
	}
	defer out.close()
	s.supervisor = newSupervisor(out, held.children)
	defer s.shutDown(ctx)
	return s.run(ctx, ready)
}

// prepare settles what must be known before the first program starts.
func (s *stack) prepare() (err error) {
	err = errors.Join(
		requirePort(s.config.Listen, s.config.GRPCPort, "--otlp-grpc-port"),
		requirePort(s.config.Listen, s.config.HTTPPort, "--otlp-http-port"),
		requirePort(loopback, s.config.QueryPort, "--query-port"))
	if err != nil {
		return err
	}
	if s.programsReachable() {
		s.programAccount = s.serverAccount
	}
	s.state, err = openState(s.folders)
	return err
}

// programsReachable says whether the servers' account can start our programs and
// read what they need.
func (s *stack) programsReachable() bool {
	for _, folder := range [...]string{s.config.ProgramDir, s.config.ConfigDir, filepath.Dir(s.config.Libchdb)} {
		if !reaches(s.serverAccount, folder) {
			return false
		}
	}
	return true
}

func (s *stack) run(ctx context.Context, ready func(*Summary)) error {
	if err := s.startServers(ctx); err != nil {
		return err
	}
	if err := s.install(ctx); err != nil {
		return err
	}
	for _, program := range [...]struct {
		name    string
		account *syscall.Credential
		service func(data string) Service
	}{
		{"collector", s.programAccount, s.collector},
		{"agent", nil, s.agent},
		{"queryserver", s.programAccount, s.queryServer},
	} {
		data, err := s.folders.server(program.name, program.account)
		if err != nil {
			return err
		}
		if err := s.supervisor.start(ctx, program.service(data)); err != nil {
			return err
		}
	}
	ready(s.summary())
	<-ctx.Done()
	return nil
}

// startServers starts PostgreSQL, Redis and the engine side by side.
func (s *stack) startServers(ctx context.Context) error {
	postgresData, err := s.folders.server("postgres", s.serverAccount)
	if err != nil {
		return err
	}
	database, err := newDatabase(postgresData, s.serverAccount, s.state)
	if err != nil {
		return err
	}
	if err := errors.Join(database.initialize(ctx), database.forgetOwner()); err != nil {
		return err
	}
	redisData, err := s.folders.server("redis", s.serverAccount)
	if err != nil {
		return err
	}
	redis, err := newRedis(redisData, s.serverAccount, s.state)
	if err != nil {
		return err
	}
	engineData, err := s.folders.server("engine", s.programAccount)
	if err != nil {
		return err
	}
	return s.supervisor.start(ctx, database.service(), redis, s.engine(engineData))
}

// shutDown stops everything in order; a second Ctrl-C kills what is left.
func (s *stack) shutDown(ctx context.Context) {
	started := time.Now()
	again := make(chan os.Signal, 1)
	if ctx.Err() != nil { // the first signal was the reason to stop
		signal.Notify(again, os.Interrupt, syscall.SIGTERM)
		defer signal.Stop(again)
		s.supervisor.output.notice("stopping; Ctrl-C again kills what is left")
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		s.supervisor.stop()
	}()
	select {
	case <-stopped:
	case <-again:
		close(s.supervisor.kill)
		<-stopped
	}
	s.supervisor.launcher.close()
	s.supervisor.output.notice("stopped in %s", time.Since(started).Round(time.Millisecond))
}
