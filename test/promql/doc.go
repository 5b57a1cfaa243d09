// Package promql runs Prometheus' own engine tests, as its module brings them, over the
// query server's storage.
package promql
