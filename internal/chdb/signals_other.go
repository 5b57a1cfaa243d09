//go:build !linux

package chdb

import "errors"

// keepSignals refuses: the guard around libchdb's signal handlers is written
// for Linux, and without it the engine would break the Go runtime.
func keepSignals(func()) error {
	return errors.New("the embedded engine runs on Linux only: use a ClickHouse server here")
}
