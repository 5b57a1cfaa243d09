// Package cache remembers values in two levels: L1 in the process, bounded in bytes, and
// L2 in Redis for all servers. It saves reading the same thing twice and may be empty,
// slow or gone at any time: what it gives is never wrong, only sooner.
//
//	c, err := cache.New(settings, redisOptions, logger, meter)
//	users := cache.Of(c, cache.Kind[User]{
//		Name: "user", L1: 5 * time.Minute, L2: 30 * time.Minute,
//		Owner: func(u User) tenant.ID { return u.Organization },
//	})
//	user, origin, err := users.Get(ctx, organization, id, func(ctx context.Context) (User, error) {
//		return store.User(ctx, id)
//	})
//	c.Forget(ctx, "user:"+id) // after the change has been committed
//
// # What keeps it right
//
// Everything an instance hears of changes, from its own Forget, from another's by
// pub/sub, or from PostgreSQL's change feed by Invalidate, becomes a mark. A mark drops
// what L1 holds, keeps a load that began before it out of L1, and makes entries of L2
// that were read before it unbelievable, even after Redis comes back with them. An epoch
// in Redis keeps such a load out of L2 when the change was made by another instance.
// What lies in Redis is sealed, so that a writer of Redis can make no value and move none.
//
// docs/cache.md has the keys, the lifetimes and what happens when Redis is down.
package cache
