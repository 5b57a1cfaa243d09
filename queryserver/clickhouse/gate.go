package clickhouse

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// gate lets so many questions run at once, of one tenant and of all. Within a tenant, and
// among the tenants, they go in the order in which they came.
type gate struct {
	limits LimitSettings
	all    *semaphore.Weighted

	mu      sync.Mutex
	tenants map[tenant.ID]*line
}

// line is the questions of one tenant, running and waiting.
type line struct {
	turn  *semaphore.Weighted
	count int
}

func newGate(limits LimitSettings) *gate {
	return &gate{limits: limits, all: semaphore.NewWeighted(int64(limits.Queries)), tenants: make(map[tenant.ID]*line)}
}

// enter waits for a turn, and gives what ends it. TooMany: the tenant's line is full, or
// the wait was too long.
func (g *gate) enter(ctx context.Context, of tenant.ID) (leave func(), err error) {
	own, err := g.join(ctx, of)
	if err != nil {
		return nil, err
	}
	waiting, cancel := context.WithTimeout(ctx, g.limits.QueueTimeout)
	defer cancel()
	if own.turn.Acquire(waiting, 1) != nil {
		g.part(of, own)
		return nil, errBusy(ctx)
	}
	if g.all.Acquire(waiting, 1) != nil {
		own.turn.Release(1)
		g.part(of, own)
		return nil, errBusy(ctx)
	}
	return func() {
		g.all.Release(1)
		own.turn.Release(1)
		g.part(of, own)
	}, nil
}

func (g *gate) join(ctx context.Context, of tenant.ID) (*line, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	own := g.tenants[of]
	if own == nil {
		own = &line{turn: semaphore.NewWeighted(int64(g.limits.QueriesPerTenant))}
		g.tenants[of] = own
	}
	if own.count >= g.limits.QueriesPerTenant+g.limits.WaitingPerTenant {
		return nil, errBusy(ctx)
	}
	own.count++
	return own, nil
}

func (g *gate) part(of tenant.ID, own *line) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if own.count--; own.count == 0 {
		delete(g.tenants, of)
	}
}

// busyRetry is when to ask again: questions take less, as a rule.
const busyRetry = time.Second

// errBusy is TooMany, unless the asker has gone.
func errBusy(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return &queryserver.Error{Code: queryserver.TooMany, Message: "too many queries of this tenant run at once; try again", RetryAfter: busyRetry}
}
