// Package metadata holds what metadata.yaml declares, in the form that mdatagen
// gives it.
package metadata

import "go.opentelemetry.io/collector/component"

// Type is the processor's name in configurations.
var Type = component.MustNewType("tenant_context")

// ScopeName is the instrumentation scope of the processor's own metrics.
const ScopeName = "github.com/telemetryflow/telemetryflow/processor/tenantcontextprocessor"

// The stability of each signal.
const (
	TracesStability  = component.StabilityLevelBeta
	MetricsStability = component.StabilityLevelBeta
	LogsStability    = component.StabilityLevelBeta
)
