package apikey

import (
	"context"
	"errors"
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// RateLimit is the state of a key's request limit as the headers
// X-RateLimit-Limit, X-RateLimit-Remaining and X-RateLimit-Reset show it.
type RateLimit struct {
	Limit     int       // requests per minute; never 0: a key without limit has no RateLimit
	Remaining int       // requests left now, at least 0
	Reset     time.Time // when the whole limit is available again
}

// Budget is what a key may still send. Spend takes items and decompressed bytes
// from it, and returns a [LimitError] when one of them is used up.
type Budget interface {
	Spend(ctx context.Context, items, bytes int) error
}

// Headers are X-RateLimit-Limit, X-RateLimit-Remaining and X-RateLimit-Reset; none for a
// key without limit. The last is in seconds from now, as Retry-After is, so that clocks
// need not agree.
func (l RateLimit) Headers() map[string]string {
	if l.Limit == 0 {
		return nil
	}
	return map[string]string{
		"X-RateLimit-Limit":     strconv.Itoa(l.Limit),
		"X-RateLimit-Remaining": strconv.Itoa(l.Remaining),
		"X-RateLimit-Reset":     strconv.Itoa(int(max(0, time.Until(l.Reset)+time.Second-1) / time.Second)),
	}
}

type callKey struct{}

// Call is what the authenticator leaves in the context for the receiver.
type Call struct {
	Limit  RateLimit // zero when the key has no request limit
	Budget Budget    // nil when the key has no limit of items or bytes
}

// NewContext returns a context that carries the call. The call must not change
// afterwards.
func NewContext(ctx context.Context, call *Call) context.Context {
	return context.WithValue(ctx, callKey{}, call)
}

// RateLimitFromContext returns the request limit of the key that made the call.
// It is false for a key without one and for a call that was not authenticated.
func RateLimitFromContext(ctx context.Context) (RateLimit, bool) {
	call, ok := ctx.Value(callKey{}).(*Call)
	if !ok || call.Limit.Limit == 0 {
		return RateLimit{}, false
	}
	return call.Limit, true
}

// Spend takes the items and decompressed bytes of one request from the budget
// of its key. Receivers call it once per request, after decoding and before the
// pipeline. It returns nil for a key without such limits and for a call that
// was not authenticated, else a [LimitError] when the budget is used up. A
// request larger than the budget passes when any is left; the next ones wait
// for the debt.
func Spend(ctx context.Context, items, bytes int) error {
	call, ok := ctx.Value(callKey{}).(*Call)
	if !ok || call.Budget == nil {
		return nil
	}
	return call.Budget.Spend(ctx, items, bytes)
}

// LimitError says that a key has used up a limit. It is a gRPC status error:
// ResourceExhausted with RetryInfo, which HTTP answers as 429 with Retry-After.
type LimitError struct {
	What       string // "requests per minute", "items per second", "bytes per second"
	RateLimit  RateLimit
	RetryAfter time.Duration
}

func (e *LimitError) Error() string {
	return "the API key has used up its limit of " + e.What
}

// GRPCStatus makes the error a gRPC status.
func (e *LimitError) GRPCStatus() *status.Status {
	return withRetry(codes.ResourceExhausted, e.Error(), e.RetryAfter)
}

// RateLimitFromError returns the request limit that refused a call. It is false
// for other errors and for keys that have limits of items or bytes only.
func RateLimitFromError(err error) (RateLimit, bool) {
	var limited *LimitError
	if !errors.As(err, &limited) || limited.RateLimit.Limit == 0 {
		return RateLimit{}, false
	}
	return limited.RateLimit, true
}

func withRetry(code codes.Code, message string, after time.Duration) *status.Status {
	plain := status.New(code, message)
	detailed, err := plain.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(after)})
	if err != nil {
		return plain // only an OK status refuses details
	}
	return detailed
}
