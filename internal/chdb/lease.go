package chdb

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
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

// ErrNotStreamable says that a statement has to go through Execute.
var ErrNotStreamable = errors.New("the statement has no stream of results")

// Rows is a result that arrives block by block.
type Rows struct {
	lease    *Lease
	result   unsafe.Pointer
	block    unsafe.Pointer
	stop     func() error
	progress Progress
	ended    bool
}

// Stream starts a statement that returns rows. Close must be called.
func (l *Lease) Stream(ctx context.Context, q Query) (*Rows, error) {
	stop := l.engine.guard(ctx, &q)
	result, err := l.conn.run(l.conn.lib.streamQuery, q)
	if err != nil {
		cancelled := stop()
		var exception *Exception
		if errors.As(err, &exception) && exception.Code == CodeBadArguments && strings.HasPrefix(exception.Message, "Streaming query is not supported") {
			return nil, ErrNotStreamable
		}
		return nil, errors.Join(err, cancelled)
	}
	return &Rows{lease: l, result: result, stop: stop}, nil
}

// Next returns the next block, formatted, or nil at the end. The bytes are
// valid until the next call.
func (r *Rows) Next() ([]byte, error) {
	c := r.lease.conn
	r.dropBlock()
	if r.ended {
		return nil, nil
	}
	block := c.lib.streamFetch(c.connection(), r.result)
	if block == nil {
		r.ended, c.stained = true, true
		return nil, NewException(CodeUnsupportedMethod, "UNKNOWN_EXCEPTION", "the engine gave no block")
	}
	r.block = block
	if text := goString(c.lib.resultError(block)); text != "" {
		r.ended, c.stained = true, true
		return nil, parseException(text)
	}
	r.progress.add(c.lib, block)
	data := c.bytes(block)
	if len(data) == 0 && c.lib.resultRows(block) == 0 {
		r.ended = true
	}
	return data, nil
}

// Ended says whether the last Next was the end of the result.
func (r *Rows) Ended() bool { return r.ended }

// Progress counts what was read so far.
func (r *Rows) Progress() Progress { return r.progress }

// Close ends the statement, cancelling it when rows are left. It returns the
// context's error if the context cancelled the statement.
func (r *Rows) Close() error {
	c := r.lease.conn
	r.dropBlock()
	if r.result != nil {
		if !r.ended {
			c.lib.streamCancel(c.connection(), r.result)
			c.stained = true
		}
		c.lib.destroyResult(r.result)
		r.result = nil
	}
	return r.stop()
}

func (r *Rows) dropBlock() {
	if r.block != nil {
		r.lease.conn.lib.destroyResult(r.block)
		r.block = nil
	}
}

func (p *Progress) add(lib *library, result unsafe.Pointer) {
	p.ReadRows += lib.resultReadRows(result)
	p.ReadBytes += lib.resultReadBytes(result)
	p.WrittenRows += lib.resultWrittenRows(result)
	p.WrittenBytes += lib.resultWrittenBytes(result)
	p.ResultRows += lib.resultRows(result)
	p.ResultBytes += lib.resultBytes(result)
}

// Insert is an INSERT whose data arrives in pieces.
type Insert struct {
	lease  *Lease
	stream unsafe.Pointer
	stop   func() error
}

// Insert starts an INSERT; q.SQL ends before FORMAT or VALUES, q.Format is
// the data's format. Close must be called.
func (l *Lease) Insert(ctx context.Context, q Query) (*Insert, error) {
	stop := l.engine.guard(ctx, &q)
	stream := l.conn.call(l.conn.lib.insertStart, q)
	insert := &Insert{lease: l, stream: stream, stop: stop}
	if err := insert.failure(); err != nil {
		return nil, errors.Join(err, insert.Close())
	}
	return insert, nil
}

func (i *Insert) failure() error {
	if text := goString(i.lease.conn.lib.insertError(i.stream)); text != "" {
		i.lease.conn.stained = true
		return parseException(text)
	}
	return nil
}

// Write appends data; the library copies it, and waits while it is behind.
func (i *Insert) Write(data []byte) (int, error) {
	if len(data) == 0 {
		return 0, nil
	}
	state := i.lease.conn.lib.insertAppend(i.stream, unsafe.Pointer(unsafe.SliceData(data)), uintptr(len(data)))
	runtime.KeepAlive(data)
	if state == 0 {
		return len(data), nil
	}
	if err := i.failure(); err != nil {
		return 0, err
	}
	return 0, NewException(CodeAborted, "ABORTED", "the insert ended before its data")
}

// Commit ends the data and waits until the engine has stored it.
func (i *Insert) Commit() (Progress, error) {
	c := i.lease.conn
	var progress Progress
	result := c.lib.insertDone(i.stream)
	if result == nil {
		c.stained = true
		return progress, NewException(CodeUnsupportedMethod, "UNKNOWN_EXCEPTION", "the engine gave no result")
	}
	defer c.lib.destroyResult(result)
	if text := goString(c.lib.resultError(result)); text != "" {
		c.stained = true
		return progress, parseException(text)
	}
	progress.add(c.lib, result)
	return progress, nil
}

// Close ends the insert; without Commit nothing that was not yet stored is.
func (i *Insert) Close() error {
	if i.stream != nil {
		i.lease.conn.lib.insertDestroy(i.stream)
		i.stream = nil
	}
	return i.stop()
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
