package writeaheadlogextension

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"

	"github.com/telemetryflow/telemetryflow/extension/writeaheadlogextension/internal/metadata"
)

// NewFactory returns the factory of the write_ahead_log extension.
func NewFactory() extension.Factory {
	return extension.NewFactory(metadata.Type, createDefaultConfig, create, metadata.ExtensionStability)
}

func createDefaultConfig() component.Config {
	return &Config{
		SegmentSize: defaultSegmentSize, MaxSize: defaultMaxSize, MinFreeSpace: defaultMinFreeSpace,
		Postgres: PostgresConfig{Timeout: 2 * time.Second},
		Redis:    RedisConfig{Timeout: 50 * time.Millisecond},
	}
}

func create(_ context.Context, set extension.Settings, config component.Config) (extension.Extension, error) {
	return &logExtension{
		config: config.(*Config), settings: set.TelemetrySettings,
		logs: registry{changed: make(chan struct{}, 1)},
	}, nil
}
