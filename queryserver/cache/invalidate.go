package cache

import (
	"context"
	"slices"
	"strings"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// Forget drops values from L2 and from the L1 of every instance. Call it after the change
// has been committed; a call of Get that begins after it never gives the old value here,
// and elsewhere as soon as the notice is there. It waits for Redis at most
// Settings.RedisTimeout per kind, whatever becomes of the context.
func (c *Cache) Forget(ctx context.Context, keys ...string) {
	for k, ids := range c.sort(keys) {
		for ids := range slices.Chunk(ids, maxNotice) {
			c.tell(ctx, k, notice{Kind: k.name, IDs: ids})
		}
	}
}

// ForgetPattern drops all values whose keys match a pattern that is literal up to a last
// ":*", such as "dashboard:{tenant}:*". Entries of L2 are unbelievable at once and then
// deleted, which takes up to Settings.ScanTimeout.
func (c *Cache) ForgetPattern(ctx context.Context, pattern string) {
	k, prefix := c.find(strings.TrimSuffix(pattern, "*"))
	if k == nil || !strings.HasSuffix(pattern, ":*") {
		c.logger.ErrorContext(ctx, "A pattern of keys is of no kind, or does not end in :*.", "pattern", pattern)
		return
	}
	c.tell(ctx, k, notice{Kind: k.name, Prefixes: []string{prefix}})
	if c.remote != nil {
		c.remote.erase(ctx, k.name, prefix)
	}
}

// ForgetOwner drops all values of a kind that belong to an organization or tenant, such
// as the permissions of all users after a role has changed. Entries of L2 stay until they
// expire, and no instance that has heard of this believes them.
func (c *Cache) ForgetOwner(ctx context.Context, kind string, owner tenant.ID) {
	k := c.kind(kind)
	if k == nil || owner.IsZero() {
		c.logger.ErrorContext(ctx, "Values of no kind or no owner are to be forgotten.", "kind", kind)
		return
	}
	c.tell(ctx, k, notice{Kind: kind, Owner: owner})
}

// Invalidate is for the change feed, which every instance follows: it drops values from
// this L1, and no longer believes what L2 has of them. It does not wait for Redis.
func (c *Cache) Invalidate(keys ...string) {
	for k, ids := range c.sort(keys) {
		c.mark(k, notice{IDs: ids}.targets())
	}
}

// InvalidateOwner is ForgetOwner for the change feed: here alone, without Redis.
func (c *Cache) InvalidateOwner(kind string, owner tenant.ID) {
	if k := c.kind(kind); k != nil && !owner.IsZero() {
		c.mark(k, notice{Owner: owner}.targets())
	}
}

// Reset is for the change feed's Reset: whatever was read from PostgreSQL before may be
// out of date. It drops it from this L1, and believes nothing of L2 that is older than now.
func (c *Cache) Reset() {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, k := range c.kinds {
		if !k.independent {
			k.invalidations.Add(1)
			k.marks.addAll(c.now())
		}
	}
	c.local.sweep(func(at place, _ *entry) bool { return !at.kind.independent })
}

// dropLocal empties L1. What L2 has stays believed.
func (c *Cache) dropLocal() {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, k := range c.kinds {
		k.marks.addNumber()
	}
	c.local.sweep(func(place, *entry) bool { return true })
}

func (c *Cache) tell(ctx context.Context, k *kind, n notice) {
	c.mark(k, n.targets())
	c.publish(ctx, n)
}

// mark forgets here. The marks are made first: what a load installs before them is
// dropped after, and after them it installs nothing.
func (c *Cache) mark(k *kind, targets []target) {
	for _, t := range targets {
		k.invalidations.Add(1)
		k.marks.add(t, c.now())
		if t.owner.IsZero() && t.name != "" && !strings.HasSuffix(t.name, ":") {
			c.local.drop(place{kind: k, id: t.name})
			continue
		}
		c.local.sweep(func(at place, e *entry) bool {
			if !t.owner.IsZero() {
				return at.kind == k && e.owner == t.owner
			}
			return at.kind == k && strings.HasPrefix(at.id, t.name)
		})
	}
}

// sort groups keys by kind.
func (c *Cache) sort(keys []string) map[*kind][]string {
	sorted := make(map[*kind][]string)
	for _, key := range keys {
		if k, id := c.find(key); k != nil {
			sorted[k] = append(sorted[k], id)
		} else {
			c.logger.Error("A key that is to be forgotten is of no kind.", "key", key)
		}
	}
	return sorted
}

// find gives the kind of a key, the one with the longest name, and its id.
func (c *Cache) find(key string) (*kind, string) {
	for end := len(key); end > 0; {
		end = strings.LastIndexByte(key[:end], ':')
		if end < 0 {
			break
		}
		if k := c.kind(key[:end]); k != nil {
			return k, key[end+1:]
		}
	}
	return nil, ""
}
