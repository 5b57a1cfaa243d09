package command

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/chdb"
)

func TestEnterEmptyFolder(t *testing.T) { // it moves the process: not parallel
	started := t.TempDir()
	t.Chdir(started)
	require.NoError(t, os.WriteFile("secret.csv", []byte("canary"), 0o600))
	options := chdb.Options{Library: "lib/libchdb.so", DataPath: "data"}
	for range 2 { // a second start finds the folder
		t.Chdir(started)
		require.NoError(t, enterEmptyFolder(&options))
		require.Equal(t, filepath.Join(started, "lib/libchdb.so"), options.Library)
		require.Equal(t, filepath.Join(started, "data"), options.DataPath)
		files, err := os.ReadDir(".")
		require.NoError(t, err)
		require.Empty(t, files)
	}
}
