package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// Problem is the body of every error (RFC 9457).
type Problem struct { //nolint:errname // RFC 9457's own word
	Type     string         `json:"type" doc:"about:blank: the title says all" example:"about:blank"`
	Title    string         `json:"title" doc:"The status in words" example:"Not Found"`
	Status   int            `json:"status" example:"404"`
	Detail   string         `json:"detail,omitempty" doc:"What went wrong, for people"`
	Instance string         `json:"instance" doc:"This request; quote it when you report the error" example:"urn:request:4c1f0f1c7f6e4f4b8f0c0a7a5b1d2e3f"`
	Code     string         `json:"code" doc:"What went wrong, for programs" example:"not_found"`
	Errors   []ProblemField `json:"errors,omitempty" nullable:"false" doc:"What is wrong with parts of the request"`

	headers http.Header
}

// ProblemField is what is wrong with one part of a request. It never repeats the value.
type ProblemField struct {
	Location string `json:"location" doc:"Such as body.email or query.limit"`
	Message  string `json:"message"`
}

const problemType = "application/problem+json"

// The frame's own refusals, which the domain has no code for.
const (
	methodNotAllowed queryserver.Code = "method_not_allowed"
	notAcceptable    queryserver.Code = "not_acceptable"
	requestTimeout   queryserver.Code = "request_timeout"
	tooLarge         queryserver.Code = "too_large"
	unsupportedMedia queryserver.Code = "unsupported_media_type"
)

// statusOf is the table of codes and statuses. What is not in it is 500. A request that
// does not fit its description is 400, never 422.
func statusOf(code queryserver.Code) int {
	switch code {
	case queryserver.Invalid:
		return http.StatusBadRequest
	case queryserver.Unauthenticated:
		return http.StatusUnauthorized
	case queryserver.Forbidden:
		return http.StatusForbidden
	case queryserver.NotFound:
		return http.StatusNotFound
	case methodNotAllowed:
		return http.StatusMethodNotAllowed
	case notAcceptable:
		return http.StatusNotAcceptable
	case requestTimeout:
		return http.StatusRequestTimeout
	case queryserver.Conflict:
		return http.StatusConflict
	case tooLarge:
		return http.StatusRequestEntityTooLarge
	case unsupportedMedia:
		return http.StatusUnsupportedMediaType
	case queryserver.TooMany:
		return http.StatusTooManyRequests
	case queryserver.Unavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

const (
	internalDetail = "Something went wrong on the server. Quote the instance when you report it."
	// defaultRetry is the pause asked for when an error names none.
	defaultRetry = time.Second
	// challenge is one for all schemes (RFC 9110 section 11.6.1); browsers show no
	// password dialog for Bearer.
	challenge = `Bearer realm="TelemetryFlow"`
)

// known is the error as the client may hear it.
func known(err error) *queryserver.Error {
	var e *queryserver.Error
	switch {
	case errors.As(err, &e) && statusOf(e.Code) != http.StatusInternalServerError:
		return e
	case errors.Is(err, context.DeadlineExceeded):
		return queryserver.Errorf(queryserver.Unavailable, "the request took too long")
	default:
		return queryserver.Errorf(queryserver.Internal, internalDetail)
	}
}

// problem is the one way from an error to an answer. It remembers the error for the log.
func (e *exchange) problem(err error) *Problem {
	e.err = err
	said := known(err)
	status := statusOf(said.Code)
	p := &Problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: said.Message,
		Instance: "urn:request:" + e.id, Code: string(said.Code), headers: http.Header{},
	}
	for _, field := range said.Fields {
		p.Errors = append(p.Errors, ProblemField(field))
	}
	switch status {
	case http.StatusUnauthorized:
		p.headers.Set("WWW-Authenticate", challenge)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		p.headers.Set("Retry-After", retryAfter(said.RetryAfter))
	}
	return p
}

// retryAfter is in whole seconds, rounded up (RFC 9110 section 10.2.3).
func retryAfter(pause time.Duration) string {
	if pause <= 0 {
		pause = defaultRetry
	}
	return strconv.Itoa(int(math.Ceil(pause.Seconds())))
}

// writeError answers with the problem of an error.
func writeError(w http.ResponseWriter, r *http.Request, err error) {
	writeProblem(w, exchangeOf(r.Context()).problem(err))
}

func writeProblem(w http.ResponseWriter, p *Problem) {
	for name, values := range p.headers {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", problemType)
	w.Header().Del("Content-Length")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client has left: nothing to tell it
}

// Error is the detail. Together with the next three it is what huma answers with.
func (p *Problem) Error() string { return p.Detail }

// GetStatus is the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders are Retry-After or WWW-Authenticate.
func (p *Problem) GetHeaders() http.Header { return p.headers }

// ContentType is that of problems, whatever was negotiated.
func (p *Problem) ContentType(string) string { return problemType }
