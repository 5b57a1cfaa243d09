package cache

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// Kind describes values of one sort. JSON carries them into Redis; all that a value is
// must be in exported fields.
type Kind[T any] struct {
	// Name begins the keys: the user 42 is "user:42".
	Name string
	// L1 and L2 are how long a value is remembered; 0 is not at all. No value is given
	// that was read longer ago than L2, or L1 where that is longer.
	L1, L2 time.Duration
	// MaxBytes bounds an encoded value; 0 is Settings.MaxValueBytes.
	MaxBytes int
	// Owner is the organization or tenant that a value belongs to. Without it, a value
	// belongs to the owner that Get names.
	Owner func(T) tenant.ID
	// Keep says whether a value may be remembered, such as one that is not truncated. Nil
	// is always.
	Keep func(T) bool
	// Independent values do not come from PostgreSQL, so that its change feed tells
	// nothing about them and Reset leaves them alone.
	Independent bool
}

var kindName = regexp.MustCompile(`^[a-z][a-z0-9_]*(:[a-z][a-z0-9_]*)*$`)

// kind is what the levels need to know of a Kind.
type kind struct {
	name        string
	l1, l2      time.Duration
	maxBytes    int
	shape       []byte
	independent bool
	marks       *marks
	counts
}

// View reads values of one kind through the cache. Values are shared by all callers and
// must not be changed.
type View[T any] struct {
	cache   *Cache
	kind    *kind
	owner   func(T) tenant.ID
	keeps   func(T) bool
	flights flights[T]
}

// Of declares a kind, once per cache, before the cache is used. It panics when the kind
// cannot work: the name is taken, or values of the type would not survive JSON.
func Of[T any](c *Cache, k Kind[T]) *View[T] {
	shape, err := shapeOf(reflect.TypeFor[T]())
	if err != nil {
		panic(fmt.Sprintf("cache: kind %q: %v", k.Name, err))
	}
	if !kindName.MatchString(k.Name) || k.L1 < 0 || k.L2 < 0 || k.L2 > 0 && k.L2 < time.Millisecond || k.MaxBytes < 0 {
		panic(fmt.Sprintf("cache: kind %q cannot work", k.Name))
	}
	made := &kind{
		name: k.Name, l1: k.L1, l2: k.L2, maxBytes: k.MaxBytes, shape: shape, independent: k.Independent,
		marks: newMarks(c.settings.MaxInvalidations),
	}
	if made.maxBytes == 0 {
		made.maxBytes = c.settings.MaxValueBytes
	}
	if !k.Independent {
		made.marks.addAll(c.now()) // what this instance did not live through, it cannot judge
	}
	c.declare(made)
	return &View[T]{cache: c, kind: made, owner: k.Owner, keeps: k.Keep, flights: newFlights[T]()}
}

// Get gives the value of an id, from L1, L2, or by the load, which depends on nothing but
// the owner and the id. The load is shared by all who ask meanwhile, goes on while any of
// them waits, and its context is not the caller's; an error of it goes to all of them and
// is not remembered.
//
// A value of another owner is NotFound, wherever it comes from. An owner of zero means
// that the caller may have any, of kinds whose values name their owner.
func (v *View[T]) Get(ctx context.Context, owner tenant.ID, id string, load func(context.Context) (T, error)) (T, Origin, error) {
	if value, ok := v.local(owner, id); ok {
		v.kind.l1Hits.Add(1)
		return value, L1, nil
	}
	return v.fetch(ctx, wanted{owner: owner, id: id}, load)
}

func (v *View[T]) local(owner tenant.ID, id string) (value T, ok bool) {
	e, ok := v.cache.local.get(place{kind: v.kind, id: id})
	if !ok || !v.mayHave(owner, e.owner) {
		return value, false
	}
	value, ok = e.value.(T)
	return value, ok
}

// mayHave says whether a caller who names an owner may have a value.
func (v *View[T]) mayHave(named, owner tenant.ID) bool {
	return named == owner || v.owner != nil && named.IsZero()
}

func (v *View[T]) decode(payload []byte) (value T, err error) {
	err = json.Unmarshal(payload, &value)
	return value, err
}
