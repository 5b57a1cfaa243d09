package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/chdb"
	"github.com/telemetryflow/telemetryflow/internal/chdb/statement"
)

// Server answers ClickHouse's HTTP interface from an engine.
type Server struct {
	engine   *chdb.Engine
	options  Options
	settings chdb.Settings
	timezone string
	name     string
	sessions *sessions
	running  *running
	fence    *statement.Fence // nil with Options.AllowOutside
	http     *http.Server
}

// headerTimeout bounds how long a client may take to send a request's head.
const headerTimeout = 10 * time.Second

// New returns a server over a running engine.
func New(engine *chdb.Engine, options Options) (*Server, error) {
	options = options.withDefaults()
	name, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("read host name: %w", err)
	}
	s := &Server{
		engine:   engine,
		options:  options,
		settings: options.settings(),
		name:     name,
		running:  newRunning(),
	}
	s.sessions = newSessions(engine, options.SessionTimeout)
	if s.timezone, err = engine.Timezone(); err != nil {
		return nil, err
	}
	if s.fence, err = newFence(engine, options); err != nil {
		return nil, err
	}
	s.http = &http.Server{Handler: s.routes(), ReadHeaderTimeout: headerTimeout}
	return s, nil
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	ok := func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("Ok.\n")) }
	mux.HandleFunc("/ping", ok)
	mux.HandleFunc("/replicas_status", ok)
	mux.HandleFunc("/{$}", s.serve)
	mux.HandleFunc("/query", s.serve)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, fmt.Sprintf("There is no handle %s\n\nUse / or /ping for health checks.\nSend queries from your program with POST method or GET /?query=…", r.URL.Path), http.StatusNotFound)
	})
	return mux
}

// Handler is the server's handler, for tests.
func (s *Server) Handler() http.Handler { return s.http.Handler }

// Serve answers on all listeners until Shutdown, and returns the first error.
func (s *Server) Serve(listeners ...net.Listener) error {
	failures := make(chan error, len(listeners))
	for _, listener := range listeners {
		go func() { failures <- s.http.Serve(listener) }()
	}
	var first error
	for range listeners {
		if err := <-failures; first == nil && !errors.Is(err, http.ErrServerClosed) {
			first = err
			_ = s.http.Close()
		}
	}
	return first
}

// Shutdown stops taking requests, waits for the running ones until ctx ends,
// then cancels those left, and ends all sessions.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	s.running.cancelAll()
	s.running.wait()
	s.sessions.close()
	_ = s.http.Close()
	return err
}

// running are the statements under way, by query id.
type running struct {
	mu      sync.Mutex
	cancels map[string]context.CancelCauseFunc
	group   sync.WaitGroup
}

func newRunning() *running { return &running{cancels: map[string]context.CancelCauseFunc{}} }

var errKilled = errors.New("killed by KILL QUERY")

// add registers a statement; two at a time cannot have one id.
func (r *running) add(ctx context.Context, id string) (context.Context, func(), error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.cancels[id]; ok {
		return nil, nil, chdb.NewException(chdb.CodeQueryIDInUse, "QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING", "Query with id = %s is already running", id)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	r.cancels[id] = cancel
	r.group.Add(1)
	return ctx, func() {
		cancel(nil)
		r.mu.Lock()
		delete(r.cancels, id)
		r.mu.Unlock()
		r.group.Done()
	}, nil
}

// kill cancels a statement, and says whether it was running.
func (r *running) kill(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	cancel, ok := r.cancels[id]
	if ok {
		cancel(errKilled)
	}
	return ok
}

func (r *running) cancelAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, cancel := range r.cancels {
		cancel(errors.New("the engine is stopping"))
	}
}

func (r *running) wait() { r.group.Wait() }

// newID returns a random UUID.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
