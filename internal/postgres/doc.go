// Package postgres is the only way to the metadata: a pool that runs nothing
// outside a scope, where row-level security shows the rows of one organization.
//
//	pool, err := postgres.Open(url, postgres.App)
//	err = pool.InScope(ctx, postgres.Organization(id), func(tx pgx.Tx) error { … })
//
// Before a scope exists, only named functions can be called:
//
//	rows, err := pool.Call(ctx, "find_api_key", keyID)
//
// A Feed tells caches what changed, whoever changed it.
package postgres
