package limit

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Bucket is one limit of one key in one collector.
type Bucket struct {
	name   string // the key in Redis
	rate   Rate
	lessor *Lessor

	tokens  atomic.Int64 // leased and unused; negative: a debt
	lapse   atomic.Int64 // when the leased tokens lapse, Unix nanoseconds
	closed  atomic.Int64 // nothing is granted before, Unix nanoseconds
	free    atomic.Int64 // left in Redis after the last lease
	leasing atomic.Bool  // a lease ahead is under way

	mu    sync.Mutex // held while leasing
	local gcra
}

// NewBucket makes the bucket of a limit. The name is the same in every collector.
func NewBucket(lessor *Lessor, name string, rate Rate) *Bucket {
	return &Bucket{name: name, rate: rate, lessor: lessor}
}

// Decision is the answer to Take.
type Decision struct {
	Allowed    bool
	Remaining  int64
	Reset      time.Time     // when the whole limit is available again
	RetryAfter time.Duration // when not allowed
}

// Take takes n tokens if at least one is left.
func (b *Bucket) Take(ctx context.Context, now time.Time, n int64) Decision {
	if left, ok := b.spend(now, n); ok {
		if 2*left < b.rate.chunk() {
			b.leaseAhead(now)
		}
		return b.decide(now, true, 0)
	}
	if until := b.closed.Load(); now.UnixNano() < until {
		return b.decide(now, false, time.Duration(until-now.UnixNano()))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.spend(now, n); ok {
		return b.decide(now, true, 0)
	}
	b.lease(ctx, time.Now())
	if _, ok := b.spend(now, n); ok {
		return b.decide(now, true, 0)
	}
	return b.decide(now, false, max(time.Millisecond, time.Duration(b.closed.Load()-now.UnixNano())))
}

// spend takes n leased tokens if there is one.
func (b *Bucket) spend(now time.Time, n int64) (left int64, ok bool) {
	if now.UnixNano() > b.lapse.Load() {
		return 0, false
	}
	for {
		have := b.tokens.Load()
		if have < 1 {
			return have, false
		}
		if b.tokens.CompareAndSwap(have, have-n) {
			return have - n, true
		}
	}
}

func (b *Bucket) decide(now time.Time, allowed bool, retry time.Duration) Decision {
	remaining := min(b.rate.Tokens, max(0, b.free.Load()+b.tokens.Load()))
	used := float64(b.rate.Tokens - remaining)
	return Decision{Allowed: allowed, Remaining: remaining, Reset: now.Add(micros(used * b.rate.interval())), RetryAfter: retry}
}

// leaseAhead fetches the next chunk while calls still live on the last one.
func (b *Bucket) leaseAhead(now time.Time) {
	if now.UnixNano() < b.closed.Load() || !b.leasing.CompareAndSwap(false, true) {
		return
	}
	b.lessor.ahead.Go(func() {
		defer b.leasing.Store(false)
		b.mu.Lock()
		defer b.mu.Unlock()
		b.lease(b.lessor.ctx, time.Now())
	})
}

// lease pays the debt and gets a chunk; b.mu is held.
func (b *Bucket) lease(ctx context.Context, now time.Time) {
	if now.UnixNano() > b.lapse.Load() {
		for have := b.tokens.Load(); have > 0 && !b.tokens.CompareAndSwap(have, 0); have = b.tokens.Load() {
		}
	}
	want, debt := b.rate.chunk(), max(0, -b.tokens.Load())
	answer, ok := b.lessor.lease(ctx, b.name, b.rate, want, debt)
	if ok {
		b.local.charge(b.rate, now, debt+answer.tokens)
	} else {
		answer = b.local.lease(b.rate, now, want, debt)
	}
	b.free.Store(answer.free)
	b.lapse.Store(now.Add(b.rate.Period).UnixNano())
	if answer.tokens == 0 {
		b.closed.Store(now.Add(answer.retry).UnixNano())
	}
	b.tokens.Add(debt + answer.tokens)
}
