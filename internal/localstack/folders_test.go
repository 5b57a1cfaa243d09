package localstack

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// reachableTemp is a folder that every account may pass through: those of
// t.TempDir are private.
func reachableTemp(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "localstack-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(folder, 0o711))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(folder)) })
	return folder
}

func TestOpenFolders(t *testing.T) {
	t.Parallel()
	account, err := unprivileged()
	require.NoError(t, err)
	t.Run("OK", func(t *testing.T) {
		t.Parallel()
		f, err := openFolders(filepath.Join(reachableTemp(t), "data"), "/nowhere", account)
		require.NoError(t, err)
		require.Equal(t, filepath.Join(f.root, "servers"), f.servers)
		data, err := f.server("redis", account)
		require.NoError(t, err)
		require.True(t, reaches(account, data))
	})
	t.Run("Private", func(t *testing.T) {
		t.Parallel()
		private, store := t.TempDir(), filepath.Join(reachableTemp(t), "store")
		require.NoError(t, os.Chmod(private, 0o700))
		for range 2 { // the second run finds what the first made
			f, err := openFolders(filepath.Join(private, "data"), store, account)
			require.NoError(t, err)
			data, err := f.server("redis", account)
			require.NoError(t, err)
			require.True(t, reaches(account, data))
			stores, err := filepath.Glob(store + "/*")
			require.NoError(t, err)
			if account != nil { // root: the data had to go elsewhere
				require.Equal(t, []string{f.servers}, stores)
			}
		}
	})
}
