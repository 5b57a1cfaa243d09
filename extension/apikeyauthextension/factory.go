package apikeyauthextension

import (
	"context"
	"errors"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"

	"github.com/telemetryflow/telemetryflow/extension/apikeyauthextension/internal/metadata"
)

// NewFactory returns the factory of the api_key_auth extension.
func NewFactory() extension.Factory {
	return extension.NewFactory(metadata.Type, createDefaultConfig, createExtension, metadata.ExtensionStability)
}

// createExtension returns an extension that implements the halves which are
// configured and no other, so that a receiver that names a client, or an
// exporter that names a server, fails at the start.
func createExtension(_ context.Context, settings extension.Settings, config component.Config) (extension.Extension, error) {
	c := config.(*Config)
	switch {
	case !c.Client.HasValue():
		return newServer(settings.TelemetrySettings, c.Server.Get()), nil
	case !c.Server.HasValue():
		return newClient(settings.Logger, c.Client.Get()), nil
	default:
		return &bothExtension{
			serverExtension: newServer(settings.TelemetrySettings, c.Server.Get()),
			clientExtension: newClient(settings.Logger, c.Client.Get()),
		}, nil
	}
}

// bothExtension is a server and a client in one.
type bothExtension struct {
	*serverExtension
	*clientExtension
}

// Start starts both halves.
func (b *bothExtension) Start(ctx context.Context, host component.Host) error {
	return errors.Join(b.clientExtension.Start(ctx, host), b.serverExtension.Start(ctx, host))
}

// Shutdown stops both halves.
func (b *bothExtension) Shutdown(ctx context.Context) error {
	return errors.Join(b.serverExtension.Shutdown(ctx), b.clientExtension.Shutdown(ctx))
}
