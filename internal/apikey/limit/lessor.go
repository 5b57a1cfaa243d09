package limit

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// pause is how long Redis is left alone after a failure. Without it each lease
// of each key would wait for a timeout.
const pause = time.Second

// Lessor leases tokens from Redis for the buckets of one collector.
type Lessor struct {
	client  redis.Scripter // nil: every limit is local
	timeout time.Duration

	ctx       context.Context // ends with Close; carries the leases made ahead
	cancel    context.CancelFunc
	ahead     sync.WaitGroup
	downUntil atomic.Int64 // Unix nanoseconds

	leases, failures atomic.Int64
}

// NewLessor leases from the client, or, when it is nil, holds limits locally.
func NewLessor(client redis.Scripter, timeout time.Duration) *Lessor {
	ctx, cancel := context.WithCancel(context.Background())
	return &Lessor{client: client, timeout: timeout, ctx: ctx, cancel: cancel}
}

// Close waits for the leases under way. No bucket may be used afterwards.
func (l *Lessor) Close() {
	l.cancel()
	l.ahead.Wait()
}

// Leases is how often Redis was asked, and how often it did not answer.
func (l *Lessor) Leases() (asked, failed int64) { return l.leases.Load(), l.failures.Load() }

// lease asks Redis. It is false when Redis has not answered.
func (l *Lessor) lease(ctx context.Context, name string, rate Rate, want, debt int64) (grant, bool) {
	if l.client == nil || time.Now().UnixNano() < l.downUntil.Load() {
		return grant{}, false
	}
	l.leases.Add(1)
	asking, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	answer, err := lease.Run(asking, l.client, []string{name}, rate.interval(), rate.Period.Microseconds(), want, debt).Int64Slice()
	if err != nil || len(answer) != 3 {
		if ctx.Err() == nil { // a caller that went away says nothing about Redis
			l.failures.Add(1)
			l.downUntil.Store(time.Now().Add(pause).UnixNano())
		}
		return grant{}, false
	}
	return grant{tokens: answer[0], free: answer[1], retry: micros(float64(answer[2]))}, true
}
