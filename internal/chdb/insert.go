package chdb

import (
	"context"
	"errors"
	"runtime"
	"unsafe"
)

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
