package cache

import "sync/atomic"

// Origin says where a value came from.
type Origin int

// The origins of values.
const (
	Load Origin = iota // it was in neither level
	L1                 // this process
	L2                 // Redis
)

// Hit says whether the value was remembered: X-Cache is then HIT, else MISS.
func (o Origin) Hit() bool { return o != Load }

// String is what X-Cache-Level says: L1, L2, or nothing.
func (o Origin) String() string { return [...]string{"", "L1", "L2"}[o] }

// rejection is why an entry of L2 was not believed.
type rejection int

const (
	accepted    rejection = iota
	unsealed              // tampered with, moved, of another secret, format or shape
	foreign               // of another owner than the caller's
	expired               // too old, or of the future
	invalidated           // read before an invalidation
	rejections
)

var rejectionNames = [rejections]string{"", "seal", "owner", "age", "invalidated"}

// counts of a kind are plain atomics, which are read when metrics are collected: a counter
// of the SDK would cost more than a hit.
type counts struct {
	l1Hits, l2Hits, misses      atomic.Int64
	loads, loadErrors, tooLarge atomic.Int64
	invalidations               atomic.Int64
	rejected                    [rejections]atomic.Int64
}

// count counts a call that did not find its value in L1.
func (c *counts) count(o Origin) {
	if o == L2 {
		c.l2Hits.Add(1)
	} else {
		c.misses.Add(1)
	}
}

// Stats are counts since the start.
type Stats struct {
	Kinds        map[string]KindStats
	Bytes        int64 // estimated, of L1
	RedisErrors  int64 // operations that failed or took too long
	RedisSkipped int64 // operations left out because one had just failed
	ClockSkewed  int64 // look-ups whose answer was not used because the clocks differ
}

// KindStats count calls (L1Hits, L2Hits, Misses), loads, and why things were not
// remembered or not believed.
type KindStats struct {
	L1Hits, L2Hits, Misses int64
	Loads, LoadErrors      int64
	Invalidations          int64
	TooLarge               int64            // values
	Rejected               map[string]int64 // entries of L2, by reason: seal, owner, age, invalidated
}

// Stats gives the counts. They are not of one instant.
func (c *Cache) Stats() Stats {
	c.mu.RLock()
	defer c.mu.RUnlock()
	s := Stats{Kinds: make(map[string]KindStats, len(c.kinds)), Bytes: int64(c.local.entries.WeightedSize())}
	if c.remote != nil {
		s.RedisErrors, s.RedisSkipped, s.ClockSkewed = c.remote.errors.Load(), c.remote.skipped.Load(), c.remote.skewed.Load()
	}
	for name, k := range c.kinds {
		of := KindStats{
			L1Hits: k.l1Hits.Load(), L2Hits: k.l2Hits.Load(), Misses: k.misses.Load(),
			Loads: k.loads.Load(), LoadErrors: k.loadErrors.Load(),
			Invalidations: k.invalidations.Load(), TooLarge: k.tooLarge.Load(),
			Rejected: make(map[string]int64),
		}
		for reason := unsealed; reason < rejections; reason++ {
			of.Rejected[rejectionNames[reason]] = k.rejected[reason].Load()
		}
		s.Kinds[name] = of
	}
	return s
}
