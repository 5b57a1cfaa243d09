package server

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/chdb"
)

// output writes an answer: it holds back the beginning, so that an early
// failure still gets a status, and compresses what is asked for.
type output struct {
	w       http.ResponseWriter
	control *http.ResponseController
	stall   time.Duration
	version string
	tag     string

	held    bytes.Buffer // before the header is sent
	hold    int64        // how much is held at most
	limit   int64        // with wait_end_of_query: how much may be held
	started bool

	encoder  io.WriteCloser // Content-Encoding, over deliver
	framer   *framer        // compress=1, over the encoder or deliver
	gone     error          // the client's, once a write failed
	progress chdb.Progress
	begun    time.Time
}

// deliver is the innermost writer: the held bytes, then the connection.
type deliver struct{ *output }

func (d deliver) Write(p []byte) (int, error) {
	o := d.output
	if !o.started {
		if int64(o.held.Len()+len(p)) <= o.hold {
			return o.held.Write(p)
		}
		if o.limit > 0 {
			return 0, chdb.NewException(chdb.CodeTooManyBytes, "TOO_MANY_BYTES", "the result is larger than --max-buffered-result: stream it without wait_end_of_query")
		}
		o.start()
	}
	return o.send(p)
}

// start sends the header and what was held.
func (o *output) start() {
	o.started = true
	o.summarize()
	o.w.WriteHeader(http.StatusOK)
	_, _ = o.send(o.held.Bytes())
	o.held = bytes.Buffer{}
}

// send writes to the client, who must take it within the stall time-out.
func (o *output) send(p []byte) (int, error) {
	if o.gone != nil {
		return 0, o.gone
	}
	_ = o.control.SetWriteDeadline(time.Now().Add(o.stall))
	n, err := o.w.Write(p)
	if err != nil {
		o.gone = fmt.Errorf("%w: %w", errClientGone, err)
		return n, o.gone
	}
	return n, nil
}

var errClientGone = errors.New("the client stopped reading")

// Write takes a piece of the result.
func (o *output) Write(p []byte) (int, error) {
	switch {
	case o.framer != nil:
		return o.framer.Write(p)
	case o.encoder != nil:
		return o.encoder.Write(p)
	default:
		return deliver{o}.Write(p)
	}
}

// finish ends a good answer.
func (o *output) finish() error {
	if err := o.flush(); err != nil {
		return err
	}
	if !o.started {
		if o.encoder == nil {
			o.w.Header().Set("Content-Length", strconv.Itoa(o.held.Len()))
		}
		o.start()
	}
	return o.gone
}

func (o *output) flush() error {
	if o.framer != nil {
		if err := o.framer.Flush(); err != nil {
			return err
		}
	}
	if o.encoder != nil {
		return o.encoder.Close()
	}
	return nil
}

// fail ends an answer with an error: as the answer if none of the result was
// sent, else in the stream, as ClickHouse does, and then the connection is cut
// so that no client takes the part for the whole.
func (o *output) fail(err error) {
	exception := asException(err)
	text := o.text(exception)
	o.w.Header().Set("X-ClickHouse-Exception-Code", strconv.Itoa(exception.Code))
	if !o.started {
		o.started = true
		o.summarize()
		header := o.w.Header()
		header.Del("Content-Encoding")
		header.Del("Content-Length")
		header.Set("Content-Type", "text/plain; charset=UTF-8")
		o.w.WriteHeader(statusOf(exception))
		_, _ = o.send([]byte(text))
		return
	}
	if o.gone == nil {
		_, _ = fmt.Fprintf(o, "\r\n__exception__\r\n%s\r\n%s%d %s\r\n__exception__\r\n", o.tag, text, len(text), o.tag)
		_ = o.flush()
		_ = o.control.Flush()
	}
	panic(http.ErrAbortHandler)
}

func (o *output) text(e *chdb.Exception) string {
	return e.Error() + " (version " + o.version + ")\n"
}

func asException(err error) *chdb.Exception {
	var exception *chdb.Exception
	if errors.As(err, &exception) {
		return exception
	}
	if errors.Is(err, errKilled) {
		return chdb.NewException(chdb.CodeQueryWasCancelled, "QUERY_WAS_CANCELLED", "Query was cancelled")
	}
	return chdb.NewException(chdb.CodeAborted, "ABORTED", "%v", err)
}

func (o *output) summarize() {
	p := o.progress
	o.w.Header().Set("X-ClickHouse-Summary", fmt.Sprintf(
		`{"read_rows":"%d","read_bytes":"%d","written_rows":"%d","written_bytes":"%d","total_rows_to_read":"0","result_rows":"%d","result_bytes":"%d","elapsed_ns":"%d"}`,
		p.ReadRows, p.ReadBytes, p.WrittenRows, p.WrittenBytes, p.ResultRows, p.ResultBytes, time.Since(o.begun).Nanoseconds()))
}

// newTag is what tells a real exception in a stream from data like it.
func newTag() string {
	const letters = "abcdefghijklmnopqrstuvwxyz"
	var b [16]byte
	_, _ = rand.Read(b[:])
	for i := range b {
		b[i] = letters[int(b[i])%len(letters)]
	}
	return string(b[:])
}
