package writeaheadlogextension

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"

	"github.com/telemetryflow/telemetryflow/extension/writeaheadlogextension/internal/metadata"
)

// NewFactory returns the factory of the write_ahead_log extension.
func NewFactory() extension.Factory {
	return extension.NewFactory(metadata.Type, createDefaultConfig, create, metadata.ExtensionStability)
}

func createDefaultConfig() component.Config {
	return &Config{SegmentSize: defaultSegmentSize, MaxSize: defaultMaxSize, MinFreeSpace: defaultMinFreeSpace}
}

func create(_ context.Context, _ extension.Settings, config component.Config) (extension.Extension, error) {
	return &logExtension{config: config.(*Config)}, nil
}
