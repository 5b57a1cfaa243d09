package faultproxy_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/test/chaos/internal/faultproxy"
)

// setup starts a server that counts what reaches it, and a proxy before it.
func setup(t *testing.T) (*faultproxy.Proxy, *atomic.Int64) {
	t.Helper()
	var stored atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		stored.Add(1)
	}))
	t.Cleanup(server.Close)
	proxy, err := faultproxy.New(strings.TrimPrefix(server.URL, "http://"))
	require.NoError(t, err)
	t.Cleanup(proxy.Down)
	return proxy, &stored
}

func insert(t *testing.T, proxy *faultproxy.Proxy, timeout time.Duration) (int, http.Header, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+proxy.Addr+"/?query=INSERT+INTO+t", strings.NewReader("rows"))
	require.NoError(t, err)
	request.GetBody = nil // no silent second attempt
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	return response.StatusCode, response.Header, nil
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault  faultproxy.Fault
		code   int // 0: no answer
		stored int64
	}{
		"Pass":        {faultproxy.Pass, 200, 1},
		"DropReply":   {faultproxy.DropReply, 0, 1},
		"DropRequest": {faultproxy.DropRequest, 0, 0},
		"Hang":        {faultproxy.Hang, 0, 0},
		"Slow":        {faultproxy.Slow(time.Millisecond), 200, 1},
		"Code":        {faultproxy.Code(241), 500, 0},
		"CodeAfter":   {faultproxy.CodeAfter(209), 500, 1},
		"Every":       {faultproxy.Every(2, faultproxy.Hang), 200, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy, stored := setup(t)
			proxy.Set(c.fault)
			code, header, err := insert(t, proxy, 300*time.Millisecond)
			require.Equal(t, c.code == 0, err != nil, "%v", err)
			require.Equal(t, c.code, code)
			require.Equal(t, c.stored, stored.Load())
			require.Equal(t, code == 500, proxy.Failed.Load() == 1)
			require.Equal(t, code == 500, header.Get("X-ClickHouse-Exception-Code") != "")
		})
	}
}

func TestProxy_Down(t *testing.T) {
	t.Parallel()
	proxy, stored := setup(t)
	proxy.Down()
	_, _, err := insert(t, proxy, time.Minute)
	var dial *net.OpError
	require.ErrorAs(t, err, &dial)
	require.Equal(t, "dial", dial.Op)
	require.NoError(t, proxy.Up())
	code, _, err := insert(t, proxy, time.Minute)
	require.NoError(t, err)
	require.Equal(t, 200, code)
	require.EqualValues(t, 1, stored.Load())
}
