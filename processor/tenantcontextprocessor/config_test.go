package tenantcontextprocessor

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
)

func TestFactory_DefaultConfig(t *testing.T) {
	t.Parallel()
	cfg := NewFactory().CreateDefaultConfig()
	require.NoError(t, componenttest.CheckConfigStruct(cfg))
	require.NoError(t, confmap.Validate(cfg))
	require.Equal(t, "tenant_context", NewFactory().Type().String())
}

func TestConfig_Load(t *testing.T) {
	t.Parallel()
	cfg, err := load(t, "full.yaml")
	require.NoError(t, err)
	require.Equal(t, AcceptWindow{Past: Past{Metrics: 240 * time.Hour, Logs: 120 * time.Hour, Traces: 72 * time.Hour}, Future: time.Hour}, cfg.AcceptWindow)
	_, err = load(t, "bad_window.yaml")
	require.ErrorContains(t, err, "accept_window::past::logs must be positive and at most 438000h0m0s (got 0s)")
	require.ErrorContains(t, err, "accept_window::future must be positive and at most 438000h0m0s (got -1h0m0s)")
	_, err = load(t, "unknown_key.yaml")
	require.ErrorContains(t, err, "invalid keys: window")
}

func load(t *testing.T, file string) (*Config, error) {
	t.Helper()
	conf, err := confmaptest.LoadConf(filepath.Join("testdata", file))
	require.NoError(t, err)
	cfg := createDefaultConfig().(*Config)
	if err = conf.Unmarshal(cfg); err != nil {
		return nil, err
	}
	return cfg, confmap.Validate(cfg)
}
