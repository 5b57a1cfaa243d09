// Package stacktest runs the real programs for tests: `telemetryflow up` in a
// folder of its own, and further collectors beside it.
//
//	stack := stacktest.Start(t)
//	stack.SendSpan(t, stack.HTTP, stack.Key, "checkout")
//	stack.AwaitSpans(t, "checkout", 1)
//
// The programs are those in bin/, which `make build` makes.
package stacktest
