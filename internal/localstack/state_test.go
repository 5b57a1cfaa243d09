package localstack

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOpenState(t *testing.T) {
	t.Parallel()
	f := &folders{root: t.TempDir()}
	_, err := LoadState(f.root)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "`telemetryflow up` makes it")

	first, err := openState(f)
	require.NoError(t, err)
	second, err := openState(f)
	require.NoError(t, err)
	require.Equal(t, first, second, "ports that are free and all passwords are kept")
	loaded, err := LoadState(f.root)
	require.NoError(t, err)
	require.Equal(t, first, loaded)

	info, err := os.Stat(f.state())
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	files, err := os.ReadDir(f.root)
	require.NoError(t, err)
	require.Len(t, files, 1, "no temporary file is left")

	require.NoError(t, os.WriteFile(f.state(), []byte("{"), 0o600))
	_, err = openState(f)
	require.ErrorContains(t, err, f.state())
}
