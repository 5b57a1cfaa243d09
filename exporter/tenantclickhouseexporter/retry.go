package tenantclickhouseexporter

import (
	"context"
	"math/rand/v2"
	"time"
)

// delay is the pause after a failed attempt, counted from 1: base × attempt², at
// most the longest, moved by up to the jitter's share in either direction.
func (c RetryConfig) delay(attempt int) time.Duration {
	longest := float64(c.MaxInterval)
	pause := min(float64(c.InitialInterval)*float64(attempt)*float64(attempt), longest)
	pause *= 1 + c.Jitter*(2*rand.Float64()-1) //nolint:gosec // spreads load, keeps no secret
	return time.Duration(pause)
}

// exhausted says whether no attempt is left after the given number of them.
func (c RetryConfig) exhausted(attempts int) bool {
	return c.MaxAttempts > 0 && attempts >= c.MaxAttempts
}

// await pauses, until the context ends or nobody waits for the answer any more.
func await(ctx context.Context, pause time.Duration, group []*request) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for _, r := range group {
		if r.refused != nil {
			continue
		}
		select {
		case <-r.ctx.Done(): // this one has left; the next may be waiting still
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		}
	}
}
