package cache

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// wanted is what a caller asks for. Callers for another owner have a flight of their own.
type wanted struct {
	owner tenant.ID
	id    string
}

// flight is a look-up under way, which every caller for the same awaits. Its result is
// written before done is closed.
type flight[T any] struct {
	began   uint64 // the number of marks before it
	waiting int    // callers, under the lock of flights
	cancel  context.CancelFunc
	done    chan struct{}
	value   T
	origin  Origin
	err     error
}

type flights[T any] struct {
	*sync.Mutex
	under map[wanted]*flight[T]
}

func newFlights[T any]() flights[T] {
	return flights[T]{Mutex: &sync.Mutex{}, under: make(map[wanted]*flight[T])}
}

// fetch joins the flight for a value, or starts it.
func (v *View[T]) fetch(ctx context.Context, w wanted, load func(context.Context) (T, error)) (T, Origin, error) {
	var none T
	if err := ctx.Err(); err != nil {
		return none, Load, err
	}
	f, value := v.join(ctx, w, load)
	if f == nil {
		v.kind.l1Hits.Add(1)
		return value, L1, nil
	}
	select {
	case <-f.done:
		v.kind.count(f.origin)
		return f.value, f.origin, f.err
	case <-ctx.Done():
		v.leave(w, f)
		return none, Load, ctx.Err()
	}
}

// join gives the flight to await or, if one has just landed, its value. A flight that
// began before an invalidation takes no more callers.
func (v *View[T]) join(ctx context.Context, w wanted, load func(context.Context) (T, error)) (*flight[T], T) {
	v.flights.Lock()
	defer v.flights.Unlock()
	if value, ok := v.local(w.owner, w.id); ok {
		return nil, value
	}
	var none T
	if f := v.flights.under[w]; f != nil && !v.kind.marks.since(f.began, w.id, w.owner) {
		f.waiting++
		return f, none
	}
	f := &flight[T]{began: v.kind.marks.begin(), waiting: 1, done: make(chan struct{})}
	var own context.Context
	own, f.cancel = context.WithTimeout(context.WithoutCancel(ctx), v.cache.settings.LoadTimeout) //nolint:gosec // land calls it
	v.flights.under[w] = f
	if !v.cache.spawn(func() { v.fly(own, w, f, load) }) {
		f.err = &queryserver.Error{Code: queryserver.Unavailable, Message: "the server is stopping"}
		v.land(w, f)
	}
	return f, none
}

// leave is called by a caller that goes. After the last the flight ends, unheard.
func (v *View[T]) leave(w wanted, f *flight[T]) {
	v.flights.Lock()
	defer v.flights.Unlock()
	if f.waiting--; f.waiting == 0 {
		v.remove(w, f)
		f.cancel()
	}
}

// remove makes place for the next flight; the lock is held.
func (v *View[T]) remove(w wanted, f *flight[T]) {
	if v.flights.under[w] == f {
		delete(v.flights.under, w)
	}
}

// land ends a flight; the lock is held.
func (v *View[T]) land(w wanted, f *flight[T]) {
	v.remove(w, f)
	f.cancel()
	close(f.done)
}

func (v *View[T]) fly(ctx context.Context, w wanted, f *flight[T], load func(context.Context) (T, error)) {
	stop := context.AfterFunc(v.cache.lifetime, f.cancel) //nolint:contextcheck // loads end with the cache too
	defer stop()
	defer func() {
		if reason := recover(); reason != nil {
			v.kind.loadErrors.Add(1)
			v.cache.logger.ErrorContext(ctx, "A load of the cache has panicked.", "kind", v.kind.name, "reason", reason, "stack", string(debug.Stack()))
			f.origin, f.err = Load, fmt.Errorf("load %s: panic: %v", v.kind.name, reason)
		}
		v.flights.Lock()
		defer v.flights.Unlock()
		v.land(w, f)
	}()
	f.value, f.origin, f.err = v.obtain(ctx, w, f.began, load)
}
