// Package metadata has the names of the component, as in metadata.yaml.
package metadata

import "go.opentelemetry.io/collector/component"

// Type is the component's name in a configuration.
var Type = component.MustNewType("write_ahead_log")

// ExtensionStability is how far the extension can be relied on.
const ExtensionStability = component.StabilityLevelBeta
