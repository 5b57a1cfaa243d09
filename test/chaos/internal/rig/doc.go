//go:build linux

// Package rig is the system under faults: PostgreSQL, Redis, the engine and the
// collector, each a process of its own, a fault proxy between the last two, and
// clients that keep ledgers.
//
//	r := rig.New(t)
//	r.StartCollector(t)
//	client := r.StartLoad(t, "first", func(c *load.Config) { c.Rate = 15_000 })
//	r.Collector.Kill()
//	…
//	client.Stop(t)
//	verdict := r.Settle(t, client)
package rig
