package faultproxy_test

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/test/chaos/internal/faultproxy"
)

func TestPipe(t *testing.T) {
	t.Parallel()
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = echo.Close() })
	go func() {
		for {
			conn, err := echo.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(conn, conn) }()
		}
	}()
	pipe, err := faultproxy.NewPipe("tcp", echo.Addr().String())
	require.NoError(t, err)
	t.Cleanup(pipe.Close)
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", pipe.Addr)
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	answers := func(conn net.Conn, within time.Duration) error {
		_, err := conn.Write([]byte("x"))
		if err == nil {
			require.NoError(t, conn.SetReadDeadline(time.Now().Add(within)))
			_, err = conn.Read(make([]byte, 1))
		}
		return err
	}
	conn := dial()
	require.NoError(t, answers(conn, time.Minute))
	pipe.Freeze()
	require.ErrorIs(t, answers(conn, 50*time.Millisecond), os.ErrDeadlineExceeded)
	pipe.Thaw()
	require.NoError(t, answers(conn, time.Minute))
	pipe.Cut()
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(time.Minute)))
	_, err = io.Copy(io.Discard, conn) // what was late, and then the end
	require.False(t, err != nil && errors.Is(err, os.ErrDeadlineExceeded), "the connection is open")
	require.Error(t, answers(dial(), time.Minute))
	pipe.Mend()
	require.NoError(t, answers(dial(), time.Minute))
}
