package server

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/chdb"
	"github.com/telemetryflow/telemetryflow/internal/chdb/native"
	"github.com/telemetryflow/telemetryflow/internal/chdb/statement"
)

// defaultFormat is ClickHouse's for HTTP.
const defaultFormat = "TabSeparated"

// serve answers one request.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	out := &output{
		w: w, control: http.NewResponseController(w), stall: s.options.StallTimeout,
		version: s.engine.Version(), tag: newTag(), begun: time.Now(), hold: defaultBuffer,
	}
	header := w.Header()
	header.Set("X-ClickHouse-Server-Display-Name", s.name)
	header.Set("X-ClickHouse-Timezone", s.timezone)
	header.Set("X-ClickHouse-Exception-Tag", out.tag)
	if err := s.answer(out, r); err != nil {
		out.fail(err)
	}
}

func (s *Server) answer(out *output, r *http.Request) error {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut:
	default:
		out.w.Header().Set("Allow", "GET, HEAD, POST, PUT")
		return chdb.NewException(chdb.CodeNotImplemented, "NOT_IMPLEMENTED", "Method %s is not supported", r.Method)
	}
	if err := s.authenticate(r); err != nil {
		return err
	}
	c, err := s.parseCall(r)
	if err != nil {
		return err
	}
	out.w.Header().Set("X-ClickHouse-Query-Id", c.id)
	body, err := s.body(out.w, r, c)
	if err != nil {
		return err
	}
	run := &execution{server: s, call: c, out: out, body: body}
	if c.multipart {
		if err := run.readParts(r); err != nil {
			return err
		}
	} else if err := run.readQuery(); err != nil {
		return err
	}
	if run.statement.Kind == statement.Empty {
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			_, err := out.Write([]byte("Ok.\n"))
			return errors.Join(err, out.finish())
		}
		return chdb.NewException(chdb.CodeSyntaxError, "SYNTAX_ERROR", "Syntax error: Empty query")
	}
	if err := run.stayInside(); err != nil {
		return err
	}
	ctx, done, err := s.running.add(r.Context(), c.id)
	if err != nil {
		return err
	}
	defer done()
	if err := run.prepare(r.Header.Get("Accept-Encoding")); err != nil {
		return err
	}
	return run.perform(ctx)
}

// execution is one statement on its way.
type execution struct {
	server    *Server
	call      *call
	out       *output
	body      io.Reader // what follows the statement's text
	text      string    // the statement's text as far as it was read
	statement statement.Statement
	format    string
	lease     *chdb.Lease
	uploads   []upload
}

// headSize is how much of a body is read to find an INSERT's data.
const headSize = 64 << 10

// readQuery finds the statement: the URL's query, the body's, or both, the
// body then going on where the URL ends.
func (e *execution) readQuery() error {
	if e.call.query != "" {
		e.text = e.call.query
		if !strings.HasSuffix(e.text, "\n") {
			e.text += "\n"
		}
	}
	limit := e.server.options.MaxQuery
	for size := int64(headSize); ; size = limit {
		e.statement = statement.Parse(e.text)
		if e.statement.Kind == statement.InsertData && (e.statement.Data < len(e.text) || e.call.query != "") {
			break
		}
		head, err := io.ReadAll(io.LimitReader(e.body, size-int64(len(e.text))+1))
		if err != nil {
			return err
		}
		e.text += string(head)
		if int64(len(e.text)) > limit && e.statement.Kind != statement.InsertData {
			if e.statement = statement.Parse(e.text); e.statement.Kind == statement.InsertData {
				break
			}
			return chdb.NewException(chdb.CodeQueryTooLarge, "QUERY_IS_TOO_LARGE", "the statement is longer than --max-query: %d bytes", limit)
		}
		if len(head) == 0 || int64(len(e.text)) <= size {
			e.statement = statement.Parse(e.text)
			break
		}
	}
	if e.statement.Kind == statement.InsertData {
		e.body = io.MultiReader(strings.NewReader(e.text[e.statement.Data:]), e.body)
	}
	return nil
}

// prepare settles the format and how the answer is encoded.
func (e *execution) prepare(acceptEncoding string) error {
	c, out, header := e.call, e.out, e.out.w.Header()
	e.format = c.format
	if e.statement.Format != "" {
		e.format = e.statement.Format
	}
	if e.format == "" {
		e.format = defaultFormat
	}
	if e.statement.Kind != statement.InsertData {
		header.Set("X-ClickHouse-Format", e.format)
		header.Set("Content-Type", contentType(e.format))
	}
	out.hold = c.bufferSize
	if c.waitEnd {
		out.hold, out.limit = e.server.options.MaxBuffered, e.server.options.MaxBuffered
	}
	var inner io.Writer = deliver{out}
	if encoding := chooseEncoding(acceptEncoding); c.httpCompress && encoding != "" {
		encoder, err := newEncoder(inner, encoding)
		if err != nil {
			return err
		}
		header.Set("Content-Encoding", encoding)
		out.encoder, inner = encoder, encoder
	}
	if c.compress {
		out.framer = newFramer(inner, c.compressMethod)
	}
	return nil
}

// perform runs the statement and writes the answer.
func (e *execution) perform(ctx context.Context) error {
	if done, err := e.withoutEngine(); done || err != nil {
		return err
	}
	release, err := e.borrow(ctx)
	if err != nil {
		return err
	}
	defer release()
	if err := e.upload(ctx); err != nil {
		return err
	}
	if err := e.run(ctx); err != nil {
		return err
	}
	return e.out.finish()
}

// withoutEngine answers what the front answers itself.
func (e *execution) withoutEngine() (bool, error) {
	s := e.statement
	switch {
	case s.Kind == statement.Refused:
		return true, chdb.NewException(chdb.CodeAccessDenied, "ACCESS_DENIED", "Not enough privileges: %s", s.Reason)
	case e.call.readOnly && s.Kind != statement.Select && s.Kind != statement.Read && s.Kind != statement.Use && s.Kind != statement.Set:
		return true, chdb.NewException(chdb.CodeReadOnly, "READONLY", "Cannot execute query in readonly mode. For queries over HTTP, method GET implies readonly. You should use method POST for modifying queries")
	case s.Kind == statement.Kill && e.server.running.kill(s.QueryID):
		if _, err := e.out.Write([]byte("waiting\t" + s.QueryID + "\n")); err != nil {
			return true, err
		}
		return true, e.out.finish()
	}
	return false, nil
}

// class is the pool a statement belongs to.
func (e *execution) class() chdb.Class {
	switch e.statement.Kind {
	case statement.InsertData:
		return chdb.Inserts
	case statement.Select, statement.Read:
		if e.call.settings["workload"] == exportWorkload {
			return chdb.Others
		}
		return chdb.Queries
	default:
		return chdb.Others
	}
}

// exportWorkload is the value of ClickHouse's workload setting that keeps long
// reads away from the queries that people wait for.
const exportWorkload = "export"

// borrow takes a connection, a session's own or a free one, and sets it up.
func (e *execution) borrow(ctx context.Context) (func(), error) {
	if e.call.session == "" {
		return e.lend(ctx, e.call.database, e.call.settings)
	}
	sessions := e.server.sessions
	known, err := sessions.enter(e.call)
	if err != nil {
		return nil, err
	}
	leave := func() { sessions.leave(known, e.call.closeSession) }
	if e.lease, err = sessions.connection(ctx, known, e.statement.Temporary); err != nil {
		leave()
		return nil, err
	}
	database, settings := known.state(e.call)
	if e.lease != nil {
		err = e.adopt(database, settings)
	} else {
		var release func()
		if release, err = e.lend(ctx, database, settings); err == nil {
			leave = func() { release(); sessions.leave(known, e.call.closeSession) }
		}
	}
	if err != nil {
		leave()
		return nil, err
	}
	known.keep(e.statement)
	return leave, nil
}

// lend borrows a free connection.
func (e *execution) lend(ctx context.Context, database string, settings chdb.Settings) (func(), error) {
	lease, err := e.server.engine.Acquire(ctx, e.class())
	if err != nil {
		return nil, err
	}
	if e.statement.Temporary {
		lease.KeepsTemporary()
	}
	e.lease = lease
	if err := e.adopt(database, settings); err != nil {
		lease.Release()
		return nil, err
	}
	return lease.Release, nil
}

// adopt sets the connection up: SET and USE are no more than that.
func (e *execution) adopt(database string, settings chdb.Settings) error {
	if len(e.statement.Changes) > 0 {
		settings = maps.Clone(settings)
		maps.Copy(settings, e.statement.Changes)
	}
	if e.statement.Kind == statement.Use {
		database = e.statement.Database
	}
	return e.lease.Adopt(database, settings)
}

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
