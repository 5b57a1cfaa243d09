package httpapi

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSettings_Validate(t *testing.T) {
	t.Parallel()
	defaults := DefaultSettings()
	require.NoError(t, defaults.Validate())
	for key, change := range map[string]func(*Settings){
		"listen":                 func(s *Settings) { s.Listen = "8080" },
		"admin":                  func(s *Settings) { s.Admin = "" },
		"public_url":             func(s *Settings) { s.PublicURL = "https://x/path" },
		"tls":                    func(s *Settings) { s.TLS.CertFile = "x" },
		"proxies":                func(s *Settings) { s.Proxies = []string{"10.0.0.1"} },
		"origins":                func(s *Settings) { s.Origins = []string{"*"} },
		"origins: \"null\"":      func(s *Settings) { s.Origins = []string{"null"} },
		"origins: \"https://*.x": func(s *Settings) { s.Origins = []string{"https://*.x"} },
		"origins: \"https://x/":  func(s *Settings) { s.Origins = []string{"https://x/"} },
		"session_cookie":         func(s *Settings) { s.SessionCookie = "session" },
		"cursor_key":             func(s *Settings) { s.CursorKey = "short-secret" },
		"limits::body_bytes":     func(s *Settings) { s.Limits.BodyBytes = 0 },
		"limits::requests":       func(s *Settings) { s.Limits.Requests = -1 },
		"limits::drain":          func(s *Settings) { s.Limits.Drain = 0 },
		"limits::header_timeout": func(s *Settings) { s.Limits.HeaderTimeout = 0 },
		"limits::write_timeout":  func(s *Settings) { s.Limits.WriteTimeout = s.Limits.RequestTimeout },
		"limits::drain_delay":    func(s *Settings) { s.Limits.DrainDelay = -1 },
	} {
		settings := DefaultSettings()
		change(&settings)
		err := settings.Validate()
		require.ErrorContains(t, err, key)
		require.NotContains(t, err.Error(), "short-secret")
	}
}

func TestServer_PortTaken(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	f := &fixture{callers: newCallers(), logs: &safeBuffer{}}
	settings := testSettings()
	settings.Admin = taken.Addr().String()
	server, err := New(settings, f.dependencies(t), nil)
	require.NoError(t, err)
	require.ErrorContains(t, server.Start(t.Context()), "listen on the address of admin")
	_, err = net.Dial("tcp", server.PublicAddr().String())
	require.Error(t, err, "the public listener is closed again")
}

// ASVS 13.4.2 and 13.4.5: what is for operators is on the admin listener alone, which is
// on loopback unless it is set otherwise.
func TestASVS_13_4_5_AdminListener(t *testing.T) {
	t.Parallel()
	require.Equal(t, "127.0.0.1:8081", DefaultSettings().Admin)
	f := setup(t, nil)
	f.get(t, "/api/v2/things?name=x", as(adaToken), "Host: attacker.example.com")
	for path, want := range map[string]string{
		"/healthz": `{"status":"alive"}`, "/readyz": `{"status":"ready"}`, "/debug/pprof/": "goroutine", "/debug/pprof/goroutine?debug=1": "goroutine profile",
		"/metrics": `http_route="/api/v2/things"`,
	} {
		got := f.onAdmin(t, path)
		require.Equal(t, 200, got.StatusCode, path)
		require.Contains(t, got.body, want)
		require.NotContains(t, got.body, "attacker")
		require.Equal(t, 404, f.get(t, path).StatusCode, path)
	}
	require.Equal(t, 404, f.onAdmin(t, "/api/v2/things").StatusCode)
}

func (f *fixture) onAdmin(t *testing.T, path string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.adminURL+path, nil)
	require.NoError(t, err)
	return do(t, http.DefaultTransport, r)
}

func TestServer_Readiness(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	dependencies := f.dependencies(t)
	fault := make(chan error, 3)
	dependencies.Checks = map[string]func(context.Context) error{
		"postgres": func(context.Context) error { return <-fault },
		"redis":    func(context.Context) error { return nil },
	}
	settings := testSettings()
	server, err := New(settings, dependencies, nil)
	require.NoError(t, err)
	require.NoError(t, server.Start(t.Context()))
	f.adminURL = "http://" + server.AdminAddr().String()
	fault <- nil
	require.JSONEq(t, `{"status":"ready","checks":{"postgres":"ok","redis":"ok"}}`, f.onAdmin(t, "/readyz").body)
	fault <- errors.New("password authentication failed")
	got := f.onAdmin(t, "/readyz")
	require.Equal(t, 503, got.StatusCode)
	require.JSONEq(t, `{"status":"not ready","checks":{"postgres":"failed","redis":"ok"}}`, got.body)
	require.Contains(t, f.logs.String(), "password authentication failed")
	require.Equal(t, 200, f.onAdmin(t, "/healthz").StatusCode)
	require.NoError(t, server.Shutdown(t.Context()))
}

// Stopping: not ready first, then no new connections, and requests under way are waited
// for.
func TestServer_GracefulStop(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	status := make(chan int, 1)
	go func() {
		response, err := http.Get(f.url + "/api/v2/slow")
		if err != nil {
			status <- 0
			return
		}
		response.Body.Close()
		status <- response.StatusCode
	}()
	<-f.entered
	stopped := make(chan error, 1)
	go func() { stopped <- f.Shutdown(context.Background()) }()
	require.Eventually(t, func() bool { return f.onAdmin(t, "/readyz").StatusCode == http.StatusServiceUnavailable }, 10*time.Second, time.Millisecond)
	require.Eventually(t, func() bool {
		connection, err := net.Dial("tcp", f.PublicAddr().String())
		if err == nil {
			connection.Close()
		}
		return err != nil
	}, 10*time.Second, time.Millisecond)
	select {
	case <-stopped:
		t.Fatal("stopped before the request had ended")
	default:
	}
	close(f.release)
	require.Equal(t, 204, <-status)
	require.NoError(t, <-stopped)
	require.NoError(t, f.Shutdown(context.Background()), "twice")
	_, err := net.Dial("tcp", f.AdminAddr().String())
	require.Error(t, err)
	require.Empty(t, f.Failed())
}

func TestServer_StopCutsOffAfterTheDrain(t *testing.T) {
	t.Parallel()
	f := setup(t, func(s *Settings) { s.Limits.Drain = 50 * time.Millisecond })
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if response, err := http.Get(f.url + "/api/v2/slow"); err == nil {
			response.Body.Close()
		}
	}()
	<-f.entered
	require.ErrorContains(t, f.Shutdown(context.Background()), "wait for the requests under way")
	<-ended
}

// writeCertificate makes one for 127.0.0.1 with a serial number.
func writeCertificate(t *testing.T, certFile, keyFile string, serial int64, when time.Time) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	certificate := &x509.Certificate{SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, certificate, certificate, key.Public(), key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	require.NoError(t, os.Chtimes(certFile, when, when))
}

// ASVS 12.1.1.
func TestASVS_12_1_1_TLS(t *testing.T) {
	t.Parallel()
	certFile, keyFile := filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	writeCertificate(t, certFile, keyFile, 1, time.Now().Add(-time.Minute))
	f := setup(t, func(s *Settings) { s.TLS = TLSSettings{CertFile: certFile, KeyFile: keyFile} })
	serial := func(config *tls.Config) (int64, error) {
		config.InsecureSkipVerify = true
		connection, err := tls.Dial("tcp", f.PublicAddr().String(), config)
		if err != nil {
			return 0, err
		}
		defer connection.Close()
		return connection.ConnectionState().PeerCertificates[0].SerialNumber.Int64(), nil
	}
	_, err := serial(&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	require.ErrorContains(t, err, "protocol version")
	first, err := serial(&tls.Config{MaxVersion: tls.VersionTLS12})
	require.NoError(t, err)
	require.Equal(t, int64(1), first)

	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+f.PublicAddr().String()+"/api/v2/me", nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+adaToken)
	got := do(t, transport, r)
	require.Equal(t, 200, got.StatusCode)
	require.Equal(t, "HTTP/2.0", got.Proto)
	require.Equal(t, strictTransport, got.Header.Get("Strict-Transport-Security"))

	// A broken file leaves the old certificate; a whole one replaces it.
	require.NoError(t, os.WriteFile(certFile, []byte("half"), 0o600))
	require.Eventually(t, func() bool {
		n, err := serial(&tls.Config{})
		require.NoError(t, err)
		require.Equal(t, int64(1), n)
		return containsText(f.logs, "certificate not read again")
	}, 20*time.Second, 50*time.Millisecond)
	writeCertificate(t, certFile, keyFile, 2, time.Now())
	require.Eventually(t, func() bool { n, err := serial(&tls.Config{}); return err == nil && n == 2 }, 20*time.Second, 50*time.Millisecond)

	settings := testSettings()
	settings.TLS = TLSSettings{CertFile: certFile, KeyFile: certFile}
	_, err = New(settings, f.dependencies(t), nil)
	require.ErrorContains(t, err, "read the certificate of tls")
}
