// Package command is `telemetryflow engine`: the embedded ClickHouse engine and
// its HTTP interface as a process of its own.
package command
