package writeaheadlogextension

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/extension/extensiontest"

	"github.com/telemetryflow/telemetryflow/extension/writeaheadlogextension/internal/metadata"
	"github.com/telemetryflow/telemetryflow/internal/wal"
)

func TestConfig(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		keys map[string]any
		err  string
	}{
		"OK":             {map[string]any{"directory": "/x"}, ""},
		"OK small":       {map[string]any{"directory": "/x", "segment_size": 1 << 20, "max_size": 4 << 20, "min_free_space": 0}, ""},
		"Err directory":  {map[string]any{}, "directory must be set"},
		"Err segment":    {map[string]any{"directory": "/x", "segment_size": 1000}, "segment_size must be at least 1048576 bytes (got 1000)"},
		"Err max_size":   {map[string]any{"directory": "/x", "max_size": 1 << 20}, "max_size must be at least four times segment_size"},
		"Err free space": {map[string]any{"directory": "/x", "min_free_space": -1}, "min_free_space must not be negative (got -1)"},
		"Err postgres":   {map[string]any{"directory": "/x", "postgres": map[string]any{"url": "http://x"}}, "postgres::url: not a PostgreSQL URL"},
		"Err redis":      {map[string]any{"directory": "/x", "redis": map[string]any{"url": "http://x"}}, "redis::url: not a Redis URL"},
		"Err timeout":    {map[string]any{"directory": "/x", "redis": map[string]any{"url": "redis://localhost", "timeout": 0}}, "redis::timeout must be a positive duration (got 0s)"},
		"Err unknown":    {map[string]any{"directory": "/x", "fsync": false}, "invalid keys: fsync"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := createDefaultConfig()
			err := confmap.NewFromStringMap(c.keys).Unmarshal(config)
			if err == nil {
				err = config.(*Config).Validate()
			}
			if c.err == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.err)
		})
	}
}

func TestExtension_OpenLog(t *testing.T) {
	t.Parallel()
	config := createDefaultConfig().(*Config)
	config.Directory = filepath.Join(t.TempDir(), "not", "there")
	e, err := NewFactory().Create(t.Context(), extensiontest.NewNopSettings(metadata.Type), config)
	require.NoError(t, err)
	require.NoError(t, e.Start(t.Context(), componenttest.NewNopHost()))
	opener := e.(wal.Opener)
	_, one, err := opener.OpenLog("tenant_clickhouse")
	require.NoError(t, err)
	folder, two, err := opener.OpenLog(wal.FolderName("tenant_clickhouse/../eu"))
	require.NoError(t, err)
	_, _, err = opener.OpenLog("tenant_clickhouse")
	require.ErrorIs(t, err, wal.ErrInUse)
	require.Equal(t, config.Directory, filepath.Dir(folder))
	require.NoError(t, one.Close())
	require.NoError(t, two.Close())
	_, again, err := opener.OpenLog("tenant_clickhouse")
	require.NoError(t, err)
	require.NoError(t, again.Close())
	folders, err := filepath.Glob(filepath.Join(config.Directory, "*"))
	require.NoError(t, err)
	require.Len(t, folders, 2)
	require.NoError(t, e.Shutdown(t.Context()))
}
