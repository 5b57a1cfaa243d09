// Package metadata holds what metadata.yaml declares, in the form that mdatagen
// gives it.
package metadata

import "go.opentelemetry.io/collector/component"

// Type is the receiver's name in configurations.
var Type = component.MustNewType("tenant_otlp")

// ScopeName is the instrumentation scope of the receiver's own metrics.
const ScopeName = "github.com/telemetryflow/telemetryflow/receiver/tenantotlpreceiver"

// The stability of each signal.
const (
	TracesStability  = component.StabilityLevelBeta
	MetricsStability = component.StabilityLevelBeta
	LogsStability    = component.StabilityLevelBeta
)
