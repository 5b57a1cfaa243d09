// Package testkit gives tests real servers of their own:
//
//	database := testkit.Postgres(t)   // a migrated database, URLs for each role
//	redis := testkit.Redis(t)         // a redis-server
//	engine := testkit.ClickHouse(t)   // a database in the embedded engine
//
// A server starts once per test binary or test, in a folder of its own under
// /tmp, without a network port where it can, and dies with the test binary even
// when that is killed.
package testkit
