package apikeyauthextension

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
	"go.opentelemetry.io/collector/extension/extensionauth"
	"go.opentelemetry.io/collector/extension/extensiontest"

	"github.com/telemetryflow/telemetryflow/extension/apikeyauthextension/internal/metadata"
)

func TestConfig(t *testing.T) {
	t.Parallel()
	file, err := confmaptest.LoadConf(filepath.Join("testdata", "config.yaml"))
	require.NoError(t, err)
	for _, test := range []struct {
		name, want     string // want: part of the error; empty: valid
		server, client bool
	}{
		{name: "server", server: true},
		{name: "client", client: true},
		{name: "both", server: true, client: true},
		{name: "neither", want: "set `server`"},
		{name: "unknown", want: "postgress"},
		{name: "no_url", want: "`postgres::url` must be set"},
		{name: "bad_urls", want: "`redis::url`: not a Redis URL"},
		{name: "limits", want: "`cache::max_stale` must be greater than 0"},
		{name: "slow_poll", want: "`feed::poll_interval` must be at most 4s"},
		{name: "bad_id", want: "`key_id`"},
		{name: "two_secrets", want: "set one of `key_secret` and `key_secret_file`"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			sub, err := file.Sub(component.NewIDWithName(metadata.Type, test.name).String())
			require.NoError(t, err)
			config := createDefaultConfig()
			if err = sub.Unmarshal(config); err == nil {
				err = confmap.Validate(config)
			}
			if test.want != "" {
				require.ErrorContains(t, err, test.want)
				require.NotContains(t, err.Error(), "hunter2", "a password is never repeated")
				return
			}
			require.NoError(t, err)
			made, err := NewFactory().Create(t.Context(), extensiontest.NewNopSettings(metadata.Type), config)
			require.NoError(t, err)
			_, isServer := made.(extensionauth.Server)
			_, isClient := made.(extensionauth.HTTPClient)
			require.Equal(t, test.server, isServer)
			require.Equal(t, test.client, isClient)
		})
	}
}
