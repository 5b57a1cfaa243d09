package cache

import (
	"context"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// vacancy is the place of a value that was not there, for whoever loads several at once.
type vacancy struct {
	want   wanted
	began  uint64
	pass   ticket
	readAt time.Time
}

// held gives the value of an id when it is remembered, and else the vacancy that keep
// fills. What is kept must have been read after held was called.
func (v *View[T]) held(ctx context.Context, owner tenant.ID, id string) (T, Origin, *vacancy) {
	if value, ok := v.local(owner, id); ok {
		v.kind.l1Hits.Add(1)
		return value, L1, nil
	}
	place := &vacancy{want: wanted{owner: owner, id: id}, began: v.kind.marks.begin(), readAt: v.cache.now()}
	value, pass, found := v.lookUp(ctx, place.want, place.began)
	if found {
		v.kind.count(L2)
		return value, L2, nil
	}
	v.kind.count(Load)
	place.pass = pass
	var none T
	return none, Load, place
}

// keep remembers a value of the caller's own, if it may be remembered.
func (v *View[T]) keep(ctx context.Context, place *vacancy, value T) {
	if v.keeps == nil || v.keeps(value) {
		v.remember(ctx, place.want.id, place.began, place.pass, value, envelope{readAt: place.readAt, owner: place.want.owner})
	}
}
