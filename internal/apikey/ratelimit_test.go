package apikey

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

type refusing struct{ items, bytes int }

func (b *refusing) Spend(_ context.Context, items, bytes int) error {
	b.items, b.bytes = items, bytes
	return &LimitError{What: "items per second", RetryAfter: time.Second}
}

func TestRateLimit_Context(t *testing.T) {
	t.Parallel()
	_, ok := RateLimitFromContext(t.Context())
	require.False(t, ok)
	require.NoError(t, Spend(t.Context(), 1, 1))

	budget := &refusing{}
	ctx := NewContext(t.Context(), &Call{Limit: RateLimit{Limit: 5, Remaining: 3}, Budget: budget})
	limit, ok := RateLimitFromContext(ctx)
	require.True(t, ok)
	require.Equal(t, 3, limit.Remaining)
	require.Error(t, Spend(ctx, 7, 9))
	require.Equal(t, &refusing{items: 7, bytes: 9}, budget)

	ctx = NewContext(t.Context(), &Call{})
	_, ok = RateLimitFromContext(ctx)
	require.False(t, ok)
	require.NoError(t, Spend(ctx, 1, 1))
}

func TestLimitError_Status(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("wrapped: %w", &LimitError{What: "requests per minute", RateLimit: RateLimit{Limit: 10}, RetryAfter: 3 * time.Second})
	limit, ok := RateLimitFromError(err)
	require.True(t, ok)
	require.Equal(t, 10, limit.Limit)
	require.Equal(t, 3*time.Second, retryDelay(t, err, codes.ResourceExhausted))
	require.Equal(t, storeRetry, retryDelay(t, ErrUnavailable, codes.Unavailable))

	_, ok = RateLimitFromError(ErrUnauthenticated)
	require.False(t, ok)
}

func retryDelay(t *testing.T, err error, code codes.Code) time.Duration {
	t.Helper()
	s, ok := status.FromError(err)
	require.True(t, ok)
	require.Equal(t, code, s.Code())
	require.Len(t, s.Details(), 1)
	return s.Details()[0].(*errdetails.RetryInfo).RetryDelay.AsDuration()
}
