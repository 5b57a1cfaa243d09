// Package limit holds keys to their limits across all collectors.
//
// A [Bucket] is a GCRA whose state lives in Redis and from which each collector
// leases tokens in chunks of 2 % of the limit, before it needs them, so that a
// warm call makes no round trip. What a collector has leased and not used is the
// tolerance: at most 3 % of a limit per collector, and at least one token. It
// lapses after one period.
//
// A call that takes more than is left passes when at least one token is left,
// and leaves a debt that the next lease pays first. While Redis cannot be
// reached, each collector holds its clients to the whole limit by itself.
package limit
