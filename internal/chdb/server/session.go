package server

import (
	"context"
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/chdb"
	"github.com/telemetryflow/telemetryflow/internal/chdb/statement"
)

// sessions are what clients carry from one request to the next: SET, USE, and
// temporary tables. Only the last need a connection of the session's own.
type sessions struct {
	engine  *chdb.Engine
	timeout time.Duration

	mu   sync.Mutex
	open map[string]*session
}

type session struct {
	id       string
	lease    *chdb.Lease // nil until the first temporary table
	busy     bool
	expiry   *time.Timer
	timeout  time.Duration
	settings chdb.Settings // by SET
	database string        // by USE
}

const (
	// maxSessionTimeout is ClickHouse's max_session_timeout.
	maxSessionTimeout = time.Hour
	// maxSessions bounds the memory of sessions that clients forget.
	maxSessions = 10_000
)

func newSessions(engine *chdb.Engine, timeout time.Duration) *sessions {
	return &sessions{engine: engine, timeout: timeout, open: map[string]*session{}}
}

// enter finds or opens a session, which one request at a time can use.
func (s *sessions) enter(c *call) (*session, error) {
	timeout, err := s.timeoutOf(c)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	known, ok := s.open[c.session]
	switch {
	case ok && known.busy:
		return nil, chdb.NewException(chdb.CodeSessionIsLocked, "SESSION_IS_LOCKED", "Session %s is locked by a concurrent client", c.session)
	case ok:
		known.expiry.Stop()
	case c.sessionCheck:
		return nil, chdb.NewException(chdb.CodeSessionNotFound, "SESSION_NOT_FOUND", "Session %s not found", c.session)
	case len(s.open) >= maxSessions:
		return nil, chdb.NewException(chdb.CodeTooManyQueries, "TOO_MANY_SIMULTANEOUS_QUERIES", "Too many sessions: %d", maxSessions)
	default:
		known = &session{id: c.session, settings: chdb.Settings{}}
		known.expiry = time.AfterFunc(maxSessionTimeout, func() { s.expire(known) })
		known.expiry.Stop()
		s.open[c.session] = known
	}
	known.busy, known.timeout = true, timeout
	return known, nil
}

func (s *sessions) timeoutOf(c *call) (time.Duration, error) {
	if c.sessionTime == "" {
		return s.timeout, nil
	}
	seconds, err := strconv.ParseUint(c.sessionTime, 10, 32)
	timeout := time.Duration(seconds) * time.Second
	if err != nil || timeout == 0 || timeout > maxSessionTimeout {
		return 0, badParameter("session_timeout is not between 1 and %d: %q", int(maxSessionTimeout.Seconds()), c.sessionTime)
	}
	return timeout, nil
}

// connection returns the session's own connection, which it gets for its first
// temporary table, or nil.
func (s *sessions) connection(ctx context.Context, known *session, temporary bool) (*chdb.Lease, error) {
	if known.lease == nil && temporary {
		lease, err := s.engine.Acquire(ctx, chdb.Sessions)
		if err != nil {
			return nil, err
		}
		lease.KeepsTemporary()
		known.lease = lease
	}
	return known.lease, nil
}

// leave ends a request in a session, and the session when asked to.
func (s *sessions) leave(known *session, end bool) {
	s.mu.Lock()
	known.busy = false
	if !end {
		known.expiry.Reset(known.timeout)
		s.mu.Unlock()
		return
	}
	delete(s.open, known.id)
	s.mu.Unlock()
	known.release()
}

func (s *session) release() {
	if s.lease != nil {
		s.lease.Release()
		s.lease = nil
	}
}

func (s *sessions) expire(known *session) {
	s.mu.Lock()
	if known.busy || s.open[known.id] != known {
		s.mu.Unlock()
		return
	}
	delete(s.open, known.id)
	s.mu.Unlock()
	known.release()
}

// close ends all sessions; no request may be under way.
func (s *sessions) close() {
	s.mu.Lock()
	open := s.open
	s.open = map[string]*session{}
	s.mu.Unlock()
	for _, known := range open {
		known.expiry.Stop()
		known.release()
	}
}

// state returns the database and settings of a request in the session: what
// the session was told, over what the request says.
func (s *session) state(c *call) (string, chdb.Settings) {
	settings := maps.Clone(c.settings)
	maps.Copy(settings, s.settings)
	if s.database != "" {
		return s.database, settings
	}
	return c.database, settings
}

// keep remembers a SET or USE that the engine took.
func (s *session) keep(told statement.Statement) {
	maps.Copy(s.settings, told.Changes)
	if told.Kind == statement.Use {
		s.database = told.Database
	}
}
