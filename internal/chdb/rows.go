package chdb

import (
	"context"
	"errors"
	"strings"
	"unsafe"
)

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
