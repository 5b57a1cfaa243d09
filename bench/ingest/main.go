//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/telemetryflow/telemetryflow/bench/ingest/internal/load"
	"github.com/telemetryflow/telemetryflow/bench/internal/harness"
)

// loadArgument makes this program a load process.
const loadArgument = "load"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench-ingest:", err)
		os.Exit(1) //nolint:gocritic // stop only restores signals
	}
}

func run(ctx context.Context, arguments []string) error {
	if len(arguments) == 1 && arguments[0] == loadArgument {
		return load.Serve(ctx, os.Stdin, os.Stdout)
	}
	options, err := parseOptions(arguments)
	if err != nil {
		return err
	}
	return harness.Run(ctx, func(t testing.TB) error { return benchmark(t, options, os.Stdout) }) //nolint:contextcheck // the harness holds it
}
