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

// sessions are the clients that keep a connection: temporary tables, SET and
// USE last from one request to the next.
type sessions struct {
	engine  *chdb.Engine
	timeout time.Duration

	mu   sync.Mutex
	open map[string]*session
}

type session struct {
	id       string
	lease    *chdb.Lease
	busy     bool
	timeout  time.Duration
	expiry   *time.Timer
	settings chdb.Settings // by SET
	database string        // by USE
}

// maxSessionTimeout is ClickHouse's max_session_timeout.
const maxSessionTimeout = time.Hour

func newSessions(engine *chdb.Engine, timeout time.Duration) *sessions {
	return &sessions{engine: engine, timeout: timeout, open: map[string]*session{}}
}

// enter finds or opens a session, which one request at a time can use.
func (s *sessions) enter(ctx context.Context, c *call) (*session, error) {
	timeout := s.timeout
	if c.sessionTime != "" {
		seconds, err := strconv.Atoi(c.sessionTime)
		if err != nil || seconds < 1 || time.Duration(seconds)*time.Second > maxSessionTimeout {
			return nil, badParameter("session_timeout is not between 1 and %d: %q", int(maxSessionTimeout.Seconds()), c.sessionTime)
		}
		timeout = time.Duration(seconds) * time.Second
	}
	s.mu.Lock()
	known, ok := s.open[c.session]
	if ok {
		defer s.mu.Unlock()
		if known.busy {
			return nil, chdb.NewException(chdb.CodeSessionIsLocked, "SESSION_IS_LOCKED", "Session %s is locked by a concurrent client", c.session)
		}
		known.busy, known.timeout = true, timeout
		known.expiry.Stop()
		return known, nil
	}
	if c.sessionCheck {
		s.mu.Unlock()
		return nil, chdb.NewException(chdb.CodeSessionNotFound, "SESSION_NOT_FOUND", "Session %s not found", c.session)
	}
	fresh := &session{id: c.session, busy: true, timeout: timeout, settings: chdb.Settings{}}
	fresh.expiry = time.AfterFunc(time.Hour, func() { s.expire(fresh) })
	fresh.expiry.Stop()
	s.open[c.session] = fresh
	s.mu.Unlock()

	lease, err := s.engine.Acquire(ctx, chdb.Sessions)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		delete(s.open, c.session)
		return nil, err
	}
	lease.KeepsTemporary()
	fresh.lease = lease
	return fresh, nil
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
	known.lease.Release()
}

func (s *sessions) expire(known *session) {
	s.mu.Lock()
	if known.busy || s.open[known.id] != known {
		s.mu.Unlock()
		return
	}
	delete(s.open, known.id)
	s.mu.Unlock()
	known.lease.Release()
}

// close ends all sessions; no request may be under way.
func (s *sessions) close() {
	s.mu.Lock()
	open := s.open
	s.open = map[string]*session{}
	s.mu.Unlock()
	for _, known := range open {
		known.expiry.Stop()
		known.lease.Release()
	}
}

// adoptSession sets a session's connection up for a request: what the session
// was told, and over it what the request says.
func (e *execution) adoptSession(known *session, release func()) error {
	if e.statement.Kind == statement.Set {
		maps.Copy(known.settings, e.statement.Changes)
	}
	if e.statement.Kind == statement.Use {
		known.database = e.statement.Database
	}
	settings := maps.Clone(e.call.settings)
	for name, value := range known.settings {
		settings[name] = value
	}
	database := e.call.database
	if known.database != "" {
		database = known.database
	}
	if err := e.lease.Adopt(database, settings); err != nil {
		if e.statement.Kind == statement.Set {
			for name := range e.statement.Changes {
				delete(known.settings, name)
			}
		}
		if e.statement.Kind == statement.Use {
			known.database = ""
		}
		release()
		return err
	}
	return nil
}
