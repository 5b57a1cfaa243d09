package localstack

import (
	"fmt"
	"net"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func takenPort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	return listener.Addr().(*net.TCPAddr).Port
}

func TestRequirePort(t *testing.T) {
	t.Parallel()
	t.Run("OK", func(t *testing.T) {
		t.Parallel()
		port, err := keepPort(0)
		require.NoError(t, err)
		require.NoError(t, requirePort(loopback, port, "--otlp-grpc-port"))
	})
	t.Run("ErrTaken", func(t *testing.T) {
		t.Parallel()
		port := takenPort(t)
		err := requirePort(loopback, port, "--otlp-grpc-port")
		require.ErrorContains(t, err, fmt.Sprintf("port %d is taken by ", port))
		require.ErrorContains(t, err, fmt.Sprintf("(process %d)", os.Getpid()))
		require.ErrorContains(t, err, "choose another port with --otlp-grpc-port")
	})
	t.Run("ErrNoAddress", func(t *testing.T) {
		t.Parallel()
		require.ErrorContains(t, requirePort("192.0.2.1", 4317, "--otlp-grpc-port"), "listen on 192.0.2.1:4317")
	})
}

func TestKeepPort(t *testing.T) {
	t.Parallel()
	free, err := keepPort(0)
	require.NoError(t, err)
	kept, err := keepPort(free)
	require.NoError(t, err)
	require.Equal(t, free, kept)
	taken := takenPort(t)
	other, err := keepPort(taken)
	require.NoError(t, err)
	require.NotEqual(t, taken, other)
}

func TestState_KeepPorts(t *testing.T) {
	t.Parallel()
	free, err := FreePort()
	require.NoError(t, err)
	same := State{PostgresPort: free, RedisPort: free, EnginePort: free}
	require.NoError(t, same.keepPorts())
	require.Equal(t, free, same.PostgresPort)
	ports := map[int]bool{same.PostgresPort: true, same.RedisPort: true, same.EnginePort: true, same.HealthPort: true, same.AgentHealthPort: true}
	require.Len(t, ports, 5)
}
