// Command engine is `telemetryflow engine` alone, which builds in a fraction of
// the time: tests start it.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/telemetryflow/telemetryflow/internal/chdb/command"
)

func main() {
	if err := command.New().ExecuteContext(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "engine:", err)
		os.Exit(1)
	}
}
