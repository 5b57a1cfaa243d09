package load

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// Variable holds the configuration of a load in its environment, as JSON.
const Variable = "TELEMETRYFLOW_CHAOS_LOAD"

// Main runs the load that the environment describes, until SIGTERM. It returns false
// when there is none.
func Main() (described bool, err error) {
	text := os.Getenv(Variable)
	if text == "" {
		return false, nil
	}
	config := &Config{}
	if err := json.Unmarshal([]byte(text), config); err != nil {
		return true, fmt.Errorf("read %s: %w", Variable, err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	return true, Run(ctx, config)
}
