//go:build linux

package deploy

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/localstack"
	"github.com/telemetryflow/telemetryflow/internal/localstack/stacktest"
)

// nginx is a running nginx with the sample.
type nginx struct {
	grpc   string // address
	http   string // base URLs
	health string
	cert   *stacktest.Certificate
}

// upstream is where one gateway listens.
type upstream struct{ grpc, http, health string }

// around is the nginx.conf that includes the sample.
const around = `
daemon off;
%s
worker_processes 2;
pid nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    include telemetryflow.conf;
}
`

// startNginx runs the sample with its names and ports replaced, and with more
// replacements, old and new in turn.
func startNginx(t *testing.T, first, second upstream, more ...string) *nginx {
	t.Helper()
	n := &nginx{grpc: stacktest.FreeAddress(t), cert: stacktest.NewCertificate(t)}
	httpAddress, health := stacktest.FreeAddress(t), stacktest.FreeAddress(t)
	n.http, n.health = "https://"+httpAddress, "http://"+health+"/healthz"
	replacements := append([]string{
		"gateway-1:4317", first.grpc, "gateway-2:4317", second.grpc,
		"gateway-1:4318", first.http, "gateway-2:4318", second.http,
		"gateway-1:13133", first.health, "gateway-2:13133", second.health,
		"listen 4317 ", "listen " + n.grpc + " ", "listen 4318 ", "listen " + httpAddress + " ", "listen 127.0.0.1:8080", "listen " + health,
		"/etc/nginx/tls/otlp.crt", n.cert.CertFile, "/etc/nginx/tls/otlp.key", n.cert.KeyFile,
	}, more...)
	source, err := os.ReadFile(filepath.Join(stacktest.Root(t), "deploy/nginx/telemetryflow.conf"))
	require.NoError(t, err)
	for i := 0; i < len(replacements); i += 2 {
		require.Contains(t, string(source), replacements[i])
	}
	folder := t.TempDir()
	conf := strings.NewReplacer(replacements...).Replace(string(source))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "telemetryflow.conf"), []byte(conf), 0o600))
	user := ""
	if os.Geteuid() == 0 {
		user = "user root;" // the test's folders are closed to others
	}
	require.NoError(t, os.WriteFile(filepath.Join(folder, "nginx.conf"), fmt.Appendf(nil, around, user), 0o600))

	program, err := exec.LookPath("nginx")
	if err != nil {
		program = "/usr/sbin/nginx" // not on the path of every account
	}
	process := stacktest.Run(t, program, nil, "-p", folder, "-c", "nginx.conf", "-e", "stderr")
	process.AwaitOK(t, n.health)
	return n
}

// X-Forwarded-For is believed only from a configured proxy.
func TestNginx_ForwardedFor(t *testing.T) {
	t.Parallel()
	seen := make(chan http.Header, 1)
	gateway := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/traces" {
			seen <- r.Header
		}
	}))
	t.Cleanup(gateway.Close)
	address := strings.TrimPrefix(gateway.URL, "http://")
	both := upstream{grpc: address, http: address, health: address}

	forwarded := func(t *testing.T, n *nginx) http.Header {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, n.http+"/v1/traces", strings.NewReader("{}"))
		require.NoError(t, err)
		request.Header.Set("X-Forwarded-For", "198.51.100.7")
		request.Header.Set("X-Forwarded-Proto", "gopher")
		request.Header.Set("Forwarded", "for=198.51.100.7")
		response, err := n.cert.Client().Do(request)
		require.NoError(t, err)
		response.Body.Close()
		require.Equal(t, http.StatusOK, response.StatusCode)
		return <-seen
	}
	t.Run("FromAnyone", func(t *testing.T) {
		header := forwarded(t, startNginx(t, both, both))
		require.Equal(t, []string{"127.0.0.1"}, header["X-Forwarded-For"])
		require.Equal(t, []string{"https"}, header["X-Forwarded-Proto"])
		require.NotContains(t, header, "Forwarded")
	})
	t.Run("FromProxy", func(t *testing.T) {
		header := forwarded(t, startNginx(t, both, both,
			"#set_real_ip_from 192.0.2.10;", "set_real_ip_from 127.0.0.1;",
			"#real_ip_header X-Forwarded-For;", "real_ip_header X-Forwarded-For;"))
		require.Equal(t, []string{"198.51.100.7"}, header["X-Forwarded-For"])
	})
}

// TestNginx_Drain stops one of two gateways while both protocols are busy: every
// request succeeds with the retries that OTLP asks of clients, and is stored once.
func TestNginx_Drain(t *testing.T) {
	t.Parallel()
	stack := stacktest.Start(t)
	gateways := [2]*stacktest.Collector{}
	for i := range gateways {
		gateways[i] = stack.StartGateway(t, "", "", "behind-proxy.yaml")
	}
	n := startNginx(t, upstreamOf(gateways[0]), upstreamOf(gateways[1]))
	requireRefused(t, n)

	clients := []*traffic{
		newTraffic("http", httpSender(n, stack.Key)),
		newTraffic("grpc", grpcSender(t, n, stack.Key)),
	}
	for _, client := range clients {
		client.start(t)
	}
	awaitMore := func() {
		for _, client := range clients {
			client.awaitMore(t, 100)
		}
	}
	awaitMore()
	gateways[0].Stop()
	require.Zero(t, gateways[0].Cmd.ProcessState.ExitCode(), gateways[0].Output())
	awaitMore()
	for _, client := range clients {
		sent, retried := client.stop(t)
		t.Logf("%s: %d spans, %d repeated", client.service, sent, retried)
		stack.AwaitSpans(t, client.service, sent)
	}

	status := func() int {
		response, err := http.Get(n.health)
		require.NoError(t, err)
		defer response.Body.Close()
		return response.StatusCode
	}
	require.Equal(t, http.StatusOK, status(), "one gateway is enough")
	gateways[1].Stop()
	require.Equal(t, http.StatusBadGateway, status())
	code, _, err := stacktest.Post(t.Context(), n.cert.Client(), n.http, stack.Key, stacktest.Span("nobody"))
	require.NoError(t, err)
	require.Equal(t, http.StatusBadGateway, code, "which OTLP clients repeat")
}

func upstreamOf(c *stacktest.Collector) upstream {
	return upstream{grpc: c.GRPC, http: c.HTTP, health: c.Health}
}

// requireRefused makes sure that the proxy lets nobody in without a key.
func requireRefused(t *testing.T, n *nginx) {
	t.Helper()
	code, _, err := stacktest.Post(t.Context(), n.cert.Client(), n.http, localstack.Key{}, stacktest.Span("stranger"))
	require.NoError(t, err)
	require.Equal(t, http.StatusUnauthorized, code)
}
