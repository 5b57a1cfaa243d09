package cache

import (
	"context"
	"encoding/json"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// obtain gives a value that is not in L1, and fills the levels above where it was.
func (v *View[T]) obtain(ctx context.Context, w wanted, began uint64, load func(context.Context) (T, error)) (T, Origin, error) {
	value, pass, found := v.lookUp(ctx, w, began)
	if found {
		return value, L2, nil
	}
	value, err := v.load(ctx, w, began, pass, load)
	return value, Load, err
}

// lookUp looks into L2. Without a value there is a ticket for the store after it.
func (v *View[T]) lookUp(ctx context.Context, w wanted, began uint64) (value T, pass ticket, found bool) {
	if v.cache.remote == nil || v.kind.l2 == 0 {
		return value, pass, false
	}
	e, pass := v.cache.remote.find(ctx, v.kind, w.id)
	if e == nil {
		return value, pass, false
	}
	value, refused := v.accept(w, e)
	if refused == accepted {
		v.fill(w.id, began, value, *e)
		return value, pass, true
	}
	v.kind.rejected[refused].Add(1)
	pass.replace = refused == unsealed || refused == expired // else only a later reading replaces it
	return value, pass, false
}

// accept judges what came out of Redis. The seal is proved: once some server wrote it for
// this key.
func (v *View[T]) accept(w wanted, found *envelope) (value T, refused rejection) {
	now, skew := v.cache.now(), v.cache.settings.MaxClockSkew
	if !v.mayHave(w.owner, found.owner) {
		return value, foreign
	}
	if age := now.Sub(found.readAt); age > v.kind.l2 || age < -skew {
		return value, expired
	}
	if marked := v.kind.marks.last(w.id, found.owner); !marked.IsZero() && !found.readAt.After(marked.Add(skew)) {
		return value, invalidated
	}
	value, err := v.decode(found.payload)
	if err != nil || v.owner != nil && v.owner(value) != found.owner {
		return value, unsealed
	}
	return value, accepted
}

// load reads the value, and remembers it if it may.
func (v *View[T]) load(ctx context.Context, w wanted, began uint64, pass ticket, load func(context.Context) (T, error)) (T, error) {
	var none T
	v.kind.loads.Add(1)
	readAt := v.cache.now()
	value, err := load(ctx)
	if err != nil {
		v.kind.loadErrors.Add(1)
		return none, err
	}
	owner := w.owner
	if v.owner != nil {
		owner = v.owner(value)
	}
	if !v.mayHave(w.owner, owner) {
		return none, queryserver.Errorf(queryserver.NotFound, "there is no such thing")
	}
	if ctx.Err() == nil && (v.keeps == nil || v.keeps(value)) {
		v.remember(ctx, w.id, began, pass, value, envelope{readAt: readAt, owner: owner})
	}
	return value, nil
}

// remember fills both levels, L2 first: what Redis refuses, because another instance has
// invalidated it, is not kept here either.
func (v *View[T]) remember(ctx context.Context, id string, began uint64, pass ticket, value T, e envelope) {
	var err error
	if e.payload, err = json.Marshal(value); err != nil {
		v.cache.logger.ErrorContext(ctx, "A value cannot be remembered.", "kind", v.kind.name, "error", err)
		return
	}
	if len(e.payload) > v.kind.maxBytes {
		v.kind.tooLarge.Add(1)
		return
	}
	if v.kind.marks.since(began, id, e.owner) {
		return
	}
	if pass.epoch == "" || v.cache.remote.put(ctx, v.kind, id, pass, e) {
		v.fill(id, began, value, e)
	}
}

// fill remembers a value in L1 unless an invalidation has come since its look-up began.
func (v *View[T]) fill(id string, began uint64, value T, e envelope) {
	age := v.cache.now().Sub(e.readAt)
	ttl := min(v.kind.l1, max(v.kind.l1, v.kind.l2)-max(age, 0))
	if ttl <= 0 {
		return
	}
	v.kind.marks.unless(began, id, e.owner, func() {
		made := &entry{value: value, owner: e.owner, encoded: len(e.payload), ttl: ttl}
		v.cache.local.set(place{kind: v.kind, id: id}, made)
	})
}
