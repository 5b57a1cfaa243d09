package server

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/telemetryflow/telemetryflow/internal/chdb"
	"github.com/telemetryflow/telemetryflow/internal/chdb/native"
	"github.com/telemetryflow/telemetryflow/internal/chdb/statement"
)

// run does what the statement's kind asks for.
func (e *execution) run(ctx context.Context) error {
	switch e.statement.Kind {
	case statement.InsertData:
		return e.insert(ctx)
	case statement.Set, statement.Use:
		return nil // borrow did it
	case statement.Select:
		if streamable(e.format) {
			err := e.stream(ctx)
			if !errors.Is(err, chdb.ErrNotStreamable) {
				return err
			}
		}
	}
	return e.execute(ctx)
}

func (e *execution) statementQuery() chdb.Query {
	return chdb.Query{SQL: e.statement.Text, Format: e.format, Parameters: e.call.parameters}
}

// sink returns what writes the engine's bytes to the client.
func (e *execution) sink() func([]byte) error {
	if strings.EqualFold(e.format, "Native") {
		transcoder := native.NewTranscoder(e.call.revision)
		return func(p []byte) error {
			err := transcoder.Write(e.out, p)
			if errors.Is(err, native.ErrUnsupported) {
				return chdb.NewException(chdb.CodeNotImplemented, "NOT_IMPLEMENTED", "%v", err)
			}
			return err
		}
	}
	return func(p []byte) error {
		_, err := e.out.Write(p)
		return err
	}
}

func (e *execution) stream(ctx context.Context) (err error) {
	rows, err := e.lease.Stream(ctx, e.statementQuery())
	if err != nil {
		return err
	}
	defer func() {
		if cancelled := rows.Close(); err == nil && !rows.Ended() {
			err = cancelled
		}
	}()
	write := e.sink()
	for {
		block, err := rows.Next()
		if err != nil {
			return err
		}
		e.out.progress = rows.Progress()
		if rows.Ended() {
			return nil
		}
		if err := write(block); err != nil {
			return err
		}
	}
}

func (e *execution) execute(ctx context.Context) error {
	write := e.sink()
	progress, err := e.lease.Execute(ctx, e.statementQuery(), func(result []byte) error {
		if int64(len(result)) > e.server.options.MaxBuffered {
			return chdb.NewException(chdb.CodeTooManyBytes, "TOO_MANY_BYTES", "the result is larger than --max-buffered-result and %s cannot be streamed: use a format of independent rows, such as JSONEachRow", e.format)
		}
		return write(result)
	})
	e.out.progress = progress
	return err
}

// insert passes the data on as it comes.
func (e *execution) insert(ctx context.Context) error {
	insert, err := e.lease.Insert(ctx, e.statementQuery())
	if err != nil {
		return err
	}
	defer insert.Close()
	buffer := make([]byte, bodyBuffer)
	for {
		n, err := e.body.Read(buffer)
		if n > 0 {
			if _, err := insert.Write(buffer[:n]); err != nil {
				return errors.Join(err, insert.Close())
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	progress, err := insert.Commit()
	e.out.progress = progress
	return err
}
