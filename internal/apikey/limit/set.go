package limit

import (
	"context"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/apikey/keystore"
)

// Set holds the limits of one key in one collector.
type Set struct {
	requests, items, bytes *Bucket // nil: no such limit
	perMinute              int
	limits                 keystore.Limits
}

// NewSet makes the limits of a key.
func NewSet(lessor *Lessor, id string, limits keystore.Limits) *Set {
	s := &Set{perMinute: limits.RequestsPerMinute, limits: limits}
	if limits.RequestsPerMinute > 0 {
		s.requests = NewBucket(lessor, "ratelimit:"+id+":requests", Rate{Tokens: int64(limits.RequestsPerMinute), Period: time.Minute})
	}
	if limits.ItemsPerSecond > 0 {
		s.items = NewBucket(lessor, "ratelimit:"+id+":items", Rate{Tokens: limits.ItemsPerSecond, Period: time.Second})
	}
	if limits.BytesPerSecond > 0 {
		s.bytes = NewBucket(lessor, "ratelimit:"+id+":bytes", Rate{Tokens: limits.BytesPerSecond, Period: time.Second})
	}
	return s
}

// Limits is what the set was made of.
func (s *Set) Limits() keystore.Limits { return s.limits }

// HasBudget reports whether Spend can refuse.
func (s *Set) HasBudget() bool { return s.items != nil || s.bytes != nil }

// Request counts one request. The RateLimit is zero for a key without such a
// limit; the error is an [apikey.LimitError].
func (s *Set) Request(ctx context.Context, now time.Time) (apikey.RateLimit, error) {
	if s.requests == nil {
		return apikey.RateLimit{}, nil
	}
	decision := s.requests.Take(ctx, now, 1)
	state := apikey.RateLimit{Limit: s.perMinute, Remaining: int(decision.Remaining), Reset: decision.Reset}
	if !decision.Allowed {
		return state, &apikey.LimitError{What: "requests per minute", RateLimit: state, RetryAfter: decision.RetryAfter}
	}
	return state, nil
}

// Spend makes a Set an [apikey.Budget].
func (s *Set) Spend(ctx context.Context, items, bytes int) error {
	now := time.Now()
	if s.items != nil && items > 0 {
		if decision := s.items.Take(ctx, now, int64(items)); !decision.Allowed {
			return &apikey.LimitError{What: "items per second", RetryAfter: decision.RetryAfter}
		}
	}
	if s.bytes != nil && bytes > 0 {
		if decision := s.bytes.Take(ctx, now, int64(bytes)); !decision.Allowed {
			return &apikey.LimitError{What: "bytes per second", RetryAfter: decision.RetryAfter}
		}
	}
	return nil
}
