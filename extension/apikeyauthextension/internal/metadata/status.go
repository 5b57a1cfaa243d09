// Package metadata holds the type, the stability and the own metrics of the
// api_key_auth extension, as metadata.yaml lists them.
package metadata

import "go.opentelemetry.io/collector/component"

// Type is the extension's type in YAML.
var Type = component.MustNewType("api_key_auth")

// ScopeName is the instrumentation scope of its metrics.
const ScopeName = "github.com/telemetryflow/telemetryflow/extension/apikeyauthextension"

// ExtensionStability is how far the extension may be relied on.
const ExtensionStability = component.StabilityLevelAlpha
