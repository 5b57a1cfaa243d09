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

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := newRootCommand().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "telemetryflow:", err)
		stop()
		os.Exit(1)
	}
}
