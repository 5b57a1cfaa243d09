package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/chdb"
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
