package tenantcontextprocessor

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"
)

const (
	day = 24 * time.Hour

	// The default windows reach back as far as each signal is kept by default.
	// Older items would be deleted at once, and scattered timestamps would
	// scatter partitions.
	defaultPastMetrics = 90 * day
	defaultPastLogs    = 30 * day
	defaultPastTraces  = 30 * day
	// defaultFuture forgives clocks and time zones set wrongly, not more.
	defaultFuture = day
	// maxPast keeps the window's beginning after 1970, where timestamps begin.
	maxPast = 50 * 365 * day
)

// Config of the processor.
type Config struct {
	// AcceptWindow is the time around now in which an item's time must lie.
	AcceptWindow AcceptWindow `mapstructure:"accept_window"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// AcceptWindow bounds the times of items.
type AcceptWindow struct {
	// Past is how far back items are accepted, per signal.
	Past Past `mapstructure:"past"`
	// Future is how far ahead items are accepted. Default 24h.
	Future time.Duration `mapstructure:"future"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// Past is how far back each signal is accepted.
type Past struct {
	Metrics time.Duration `mapstructure:"metrics"` // default 2160h (90 days)
	Logs    time.Duration `mapstructure:"logs"`    // default 720h (30 days)
	Traces  time.Duration `mapstructure:"traces"`  // default 720h (30 days)

	// prevent unkeyed literal initialization
	_ struct{}
}

var _ component.Config = (*Config)(nil)

func createDefaultConfig() component.Config {
	return &Config{AcceptWindow: AcceptWindow{
		Past:   Past{Metrics: defaultPastMetrics, Logs: defaultPastLogs, Traces: defaultPastTraces},
		Future: defaultFuture,
	}}
}

// Validate checks the configuration and reports all its faults.
func (c *Config) Validate() error {
	return errors.Join(
		validateSpan("past::metrics", c.AcceptWindow.Past.Metrics),
		validateSpan("past::logs", c.AcceptWindow.Past.Logs),
		validateSpan("past::traces", c.AcceptWindow.Past.Traces),
		validateSpan("future", c.AcceptWindow.Future),
	)
}

func validateSpan(key string, d time.Duration) error {
	if d <= 0 || d > maxPast {
		return fmt.Errorf("accept_window::%s must be positive and at most %s (got %s)", key, maxPast, d)
	}
	return nil
}
