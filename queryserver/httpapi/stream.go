package httpapi

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// streamStall is how long a reader may take nothing before the stream ends: what feeds it
// must not be held by one who has gone.
const streamStall = 10 * time.Second

// Stream is a route whose answer is written while it is made, in one of some media types;
// the first is the default. The handler gets the one that was agreed on and gives what
// writes the answer. An error before the first byte is a problem like any other; later
// ones end the connection, so that a part never looks whole. The context ends after
// limits::stream_timeout, and when the reader goes.
func Stream[Input any](access Access, operation Operation, kinds []string, handle func(ctx context.Context, call queryserver.Call, input *Input, kind string) (func(io.Writer) error, error)) Route {
	return Route{
		access: access, operation: operation, json: true, kinds: kinds,
		register: func(api huma.API, described huma.Operation) {
			content := make(map[string]*huma.MediaType)
			for _, kind := range kinds {
				content[kind] = &huma.MediaType{Schema: streamSchema(kind)}
			}
			described.Responses["200"] = &huma.Response{Description: "OK", Content: content}
			huma.Register(api, described, func(ctx context.Context, input *Input) (*huma.StreamResponse, error) {
				e := exchangeOf(ctx)
				write, err := handle(ctx, e.caller(), input, e.kind)
				if err != nil {
					return nil, e.problem(err)
				}
				return &huma.StreamResponse{Body: func(ctx huma.Context) {
					e.stream(ctx.BodyWriter().(http.ResponseWriter), write) //nolint:forcetypeassert // it is net/http's
				}}, nil
			})
		},
	}
}

// streamSchema describes a streamed media type as far as generators of clients need it:
// JSON is one object, whose parts its own specification has (OTLP), and the rest is text or
// bytes.
func streamSchema(kind string) *huma.Schema {
	switch {
	case kind == jsonType:
		return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
	case strings.HasSuffix(kind, "json"): // one document a line
		return &huma.Schema{Type: huma.TypeString}
	default:
		return &huma.Schema{Type: huma.TypeString, Format: "binary"}
	}
}

// stream writes an answer. A failure after its first byte is left to net/http, which ends
// the connection without the end of the body.
func (e *exchange) stream(w http.ResponseWriter, write func(io.Writer) error) {
	to := &streamWriter{to: w, control: http.NewResponseController(w), kind: e.kind}
	err := write(to)
	switch {
	case err == nil:
		to.begin()
	case !to.begun:
		writeProblem(w, e.problem(err))
	default:
		e.err, e.cut = err, true
		panic(http.ErrAbortHandler)
	}
}

// streamWriter sends what it is given at once.
type streamWriter struct {
	to      http.ResponseWriter
	control *http.ResponseController
	kind    string
	begun   bool
}

func (s *streamWriter) begin() {
	if !s.begun {
		s.begun = true
		s.to.Header().Set("Content-Type", s.kind)
		s.to.WriteHeader(http.StatusOK)
	}
}

func (s *streamWriter) Write(text []byte) (int, error) {
	s.begin()
	if err := s.control.SetWriteDeadline(time.Now().Add(streamStall)); err != nil {
		return 0, err
	}
	n, err := s.to.Write(text)
	if err != nil {
		return n, err
	}
	return n, s.control.Flush()
}
