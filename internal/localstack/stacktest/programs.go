//go:build linux

package stacktest

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/localstack"
)

// Root is the folder of the checkout.
func Root(t testing.TB) string {
	t.Helper()
	folder, err := os.Getwd()
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder
		}
		require.NotEqual(t, folder, filepath.Dir(folder), "no go.mod above the test's folder")
		folder = filepath.Dir(folder)
	}
}

// Program is the path of a built program.
func Program(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(Root(t), "bin", name)
	_, err := os.Stat(path)
	require.NoError(t, err, "%s is not built for %s: run `make build`", name, runtime.GOOS)
	return path
}

// Config is the path of a shipped configuration.
func Config(t testing.TB, name string) string {
	t.Helper()
	return filepath.Join(Root(t), "config", name)
}

// FreePort is a TCP port of this machine that nobody uses at the moment.
func FreePort(t testing.TB) int {
	t.Helper()
	port, err := localstack.FreePort()
	require.NoError(t, err)
	return port
}

// FreeAddress is a loopback address with such a port.
func FreeAddress(t testing.TB) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(FreePort(t)))
}
