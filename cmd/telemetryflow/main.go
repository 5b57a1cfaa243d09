// Command telemetryflow is everything of TelemetryFlow but the collector: the
// embedded ClickHouse engine, migrations, administration and the local stack.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := newRootCommand().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "telemetryflow:", err)
		return 1
	}
	return 0
}
