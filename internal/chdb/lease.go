package chdb

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// Query is one statement and what it runs with.
type Query struct {
	SQL        string
	Format     string // the format when the statement names none
	Parameters Parameters
}

// Progress counts what a statement did.
type Progress struct {
	ReadRows, ReadBytes       uint64
	WrittenRows, WrittenBytes uint64
	ResultRows, ResultBytes   uint64
}

func (p *Progress) add(lib *library, result unsafe.Pointer) {
	p.ReadRows += lib.resultReadRows(result)
	p.ReadBytes += lib.resultReadBytes(result)
	p.WrittenRows += lib.resultWrittenRows(result)
	p.WrittenBytes += lib.resultWrittenBytes(result)
	p.ResultRows += lib.resultRows(result)
	p.ResultBytes += lib.resultBytes(result)
}

// Lease is the exclusive use of one connection.
type Lease struct {
	engine *Engine
	pool   *pool
	conn   *conn
}

// Adopt brings the connection to a database and to exactly these settings:
// what the lease before set is gone.
func (l *Lease) Adopt(database string, settings Settings) error {
	return l.conn.adopt(database, settings)
}

// KeepsTemporary says that a statement may leave temporary tables, which
// Release then drops.
func (l *Lease) KeepsTemporary() { l.conn.scratch = true }

// Release gives the connection back, clean. The lease must not be used again.
func (l *Lease) Release() {
	c := l.conn
	l.conn = nil
	if c.scratch {
		c.dropTemporary()
	}
	if c.stained {
		if err := c.rinse(); err != nil {
			// A connection that cannot be proved clean is never lent again:
			// what it would leak is another caller's data.
			if err := l.engine.replace(c); err != nil {
				return
			}
		}
	}
	l.pool.put(c)
}

// Execute runs a statement to its end and hands its whole result to sink; the
// bytes are valid only during that call. The engine holds all of the result.
func (l *Lease) Execute(ctx context.Context, q Query, sink func([]byte) error) (Progress, error) {
	stop := l.engine.guard(ctx, &q)
	result, err := l.conn.run(l.conn.lib.query, q)
	if cancelled := stop(); err != nil {
		return Progress{}, errors.Join(err, cancelled)
	}
	defer l.conn.lib.destroyResult(result)
	var progress Progress
	progress.add(l.conn.lib, result)
	if data := l.conn.bytes(result); sink != nil && len(data) > 0 {
		return progress, sink(data)
	}
	return progress, nil
}

// killEvery is how often a cancelled statement is killed again: a KILL may
// come before the engine has registered the statement.
const killEvery = 50 * time.Millisecond

// guard marks a statement and kills it when ctx ends. The function it returns
// must be called when the statement has ended; it returns ctx's error if the
// statement was killed.
func (e *Engine) guard(ctx context.Context, q *Query) (stop func() error) {
	var random [12]byte
	_, _ = rand.Read(random[:])
	marker := "/* statement " + hex.EncodeToString(random[:]) + " */"
	q.SQL += "\n" + marker

	done, killed := make(chan struct{}), atomic.Bool{}
	stopped := make(chan struct{})
	unwatch := context.AfterFunc(ctx, func() {
		defer close(stopped)
		killed.Store(true)
		for {
			_ = e.Kill(marker)
			select {
			case <-done:
				return
			case <-time.After(killEvery):
			}
		}
	})
	return sync.OnceValue(func() error {
		close(done)
		if !unwatch() {
			<-stopped
		}
		if killed.Load() {
			return fmt.Errorf("statement cancelled: %w", context.Cause(ctx))
		}
		return nil
	})
}

// dropTemporary drops what CREATE TEMPORARY TABLE left.
func (c *conn) dropTemporary() {
	c.scratch = false
	names, err := c.text("SELECT name FROM system.tables WHERE is_temporary AND database = '' FORMAT TSV")
	if err != nil || names == "" {
		return
	}
	for _, name := range strings.Split(names, "\n") {
		_ = c.exec("DROP TEMPORARY TABLE IF EXISTS `" + name + "`")
	}
}
