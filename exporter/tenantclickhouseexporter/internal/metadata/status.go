// Package metadata holds what metadata.yaml declares, in the form that mdatagen
// gives it.
package metadata

import "go.opentelemetry.io/collector/component"

// Type is the exporter's name in configurations.
var Type = component.MustNewType("tenant_clickhouse")

// ScopeName is the instrumentation scope of the exporter's own metrics.
const ScopeName = "github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter"

// The stability of each signal.
const (
	TracesStability  = component.StabilityLevelBeta
	MetricsStability = component.StabilityLevelBeta
	LogsStability    = component.StabilityLevelBeta
)
