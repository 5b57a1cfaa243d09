package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// statusLeft is what the log says when the client has left before the answer. It is
// nginx's.
const statusLeft = 499

// log writes one line per request. It holds no header, query, body or path but the
// route's template, so there is no place for a secret (ASVS 16.2.5).
func (s *Server) log(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun, answer := time.Now(), &recorder{ResponseWriter: w}
		defer s.writeLine(r, answer, begun)
		s.recovering(answer, r, next) //nolint:contextcheck // the context is in the request
	})
}

func (s *Server) writeLine(r *http.Request, answer *recorder, begun time.Time) {
	e, ctx := exchangeOf(r.Context()), r.Context()
	level, status := slog.LevelInfo, answer.status
	attributes := append(e.attributes(r), slog.Int64("bytes", answer.bytes), slog.Duration("duration", time.Since(begun)))
	switch {
	case status == 0: // the handler wrote nothing: net/http answers 200
		status = http.StatusOK
	case errors.Is(e.err, context.Canceled) && ctx.Err() != nil:
		status = statusLeft
	case e.err != nil && (status >= http.StatusInternalServerError || e.cut):
		level = slog.LevelError
		attributes = append(attributes, slog.String("error", e.err.Error()))
	}
	s.logger.LogAttrs(ctx, level, "request", append(attributes, slog.Int("status", status))...)
}

// attributes name the request and its caller.
func (e *exchange) attributes(r *http.Request) []slog.Attr {
	attributes := []slog.Attr{
		slog.String("request_id", e.id), slog.String("method", knownMethod(r.Method)), slog.String("client", e.client.String()),
	}
	if e.route != nil {
		attributes = append(attributes, slog.String("route", e.route.operation.Path))
	}
	if e.call != nil {
		attributes = append(attributes, slog.String("subject_kind", string(e.call.Subject.Kind)),
			slog.String("subject", e.call.Subject.ID), slog.String("organization", e.call.Scope.Organization().String()))
	}
	if span := trace.SpanContextFromContext(r.Context()); span.HasTraceID() {
		attributes = append(attributes, slog.String("trace_id", span.TraceID().String()))
	}
	return attributes
}

// knownMethod keeps what a client made up out of the log.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	default:
		return "OTHER"
	}
}

// panicError is what a panic leaves. Only errors of the runtime are spelled out: other
// values may hold anything.
type panicError struct{ value any }

func (p panicError) Error() string {
	var fault runtime.Error
	if err, is := p.value.(error); is && errors.As(err, &fault) {
		return "panic: " + fault.Error()
	}
	return fmt.Sprintf("panic with a %T", p.value)
}

// recovering keeps a panic from ending more than its request (ASVS 16.5.4).
func (s *Server) recovering(w *recorder, r *http.Request, next http.Handler) {
	defer func() {
		value := recover()
		if value == nil {
			return
		}
		if err, is := value.(error); is && errors.Is(err, http.ErrAbortHandler) {
			panic(http.ErrAbortHandler) // a handler's way to end the connection
		}
		e := exchangeOf(r.Context())
		e.err = panicError{value}
		s.logger.ErrorContext(r.Context(), "request panicked", "request_id", e.id, "error", e.err.Error(), "stack", string(debug.Stack()))
		if w.status != 0 {
			panic(http.ErrAbortHandler) // half an answer must not look whole
		}
		writeError(w, r, e.err)
	}()
	next.ServeHTTP(w, r)
}
