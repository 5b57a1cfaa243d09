package outbound

import (
	"bytes"
	"compress/gzip"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func port(t *testing.T, text string) uint16 {
	t.Helper()
	number, err := strconv.ParseUint(text, 10, 16)
	require.NoError(t, err)
	return uint16(number)
}

// ASVS 1.3.6, 15.3.2; the goal of no connection to a forbidden listener.
func TestClient_ForbiddenURLs(t *testing.T) {
	t.Parallel()
	trap := newTrap(t)
	settings := Defaults()
	settings.Ports = append(settings.Ports, port(t, trap.port))
	settings.Resolver = newResolver(t, map[string][]string{"public.test": {"127.0.0.1"}})
	client, err := NewClient(settings)
	require.NoError(t, err)
	text, err := os.ReadFile("testdata/urls.txt")
	require.NoError(t, err)
	tried := 0
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		tried++
		raw := strings.ReplaceAll(line, "{port}", trap.port)
		response, err := client.Get(raw)
		if err == nil {
			response.Body.Close()
		}
		require.Error(t, err, raw)
		require.Zero(t, trap.caught.Load(), raw)
		if parsed, err := url.Parse(raw); err == nil {
			if address, err := netip.ParseAddr(parsed.Hostname()); err == nil {
				_, err := client.Get(raw)
				require.ErrorIs(t, err, ErrRefused, "%s is refused for its address %s", raw, address)
			}
		}
	}
	require.GreaterOrEqual(t, tried, 60)
}

// The trap works: a client without the guard falls into it.
func TestClient_TrapCatches(t *testing.T) {
	t.Parallel()
	trap := newTrap(t)
	_, err := http.Get("https://127.0.0.1:" + trap.port)
	require.Error(t, err)
	require.EqualValues(t, 1, trap.caught.Load())
}

// A name that was public when it was checked and is loopback when it is called.
func TestClient_Rebinding(t *testing.T) {
	t.Parallel()
	trap := newTrap(t)
	settings := Defaults()
	settings.Ports = []uint16{port(t, trap.port)}
	rebound := map[string][]string{"rebind.test": {"93.184.216.34", "127.0.0.1"}}
	lookUp := func() {
		found, err := settings.Resolver.LookupNetIP(t.Context(), "ip4", "rebind.test")
		require.NoError(t, err)
		require.Len(t, found, 1)
		require.True(t, Public(found[0]), "the first answer passes a check in advance")
	}

	settings.Resolver = newResolver(t, rebound)
	client, err := NewClient(settings)
	require.NoError(t, err)
	lookUp()
	for range 10 {
		_, err = client.Get("https://rebind.test:" + trap.port)
		require.ErrorIs(t, err, ErrRefused)
	}
	require.Zero(t, trap.caught.Load())

	settings.Resolver = newResolver(t, rebound)
	settings.Allow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	unguarded, err := NewClient(settings)
	require.NoError(t, err)
	lookUp()
	_, err = unguarded.Get("https://rebind.test:" + trap.port)
	require.Error(t, err, "the trap speaks no TLS")
	require.EqualValues(t, 1, trap.caught.Load(), "the name leads to the trap indeed")
}

// testServer is an HTTPS server on loopback and settings that allow it.
func testServer(t *testing.T, handler http.HandlerFunc) (*httptest.Server, Settings) {
	t.Helper()
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	settings := Defaults()
	settings.Allow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	address := netip.MustParseAddrPort(server.Listener.Addr().String())
	settings.Ports = []uint16{address.Port()}
	settings.RootCAs = x509.NewCertPool()
	settings.RootCAs.AddCert(server.Certificate())
	return server, settings
}

func TestClient_Allowed(t *testing.T) {
	t.Parallel()
	server, settings := testServer(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
	client, err := NewClient(settings)
	require.NoError(t, err)
	response, err := client.Get(server.URL)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, "hello", string(body))

	settings.Ports = []uint16{443}
	client, err = NewClient(settings)
	require.NoError(t, err)
	_, err = client.Get(server.URL)
	require.ErrorIs(t, err, ErrRefused, "an allowed network does not allow its ports")
}

func TestClient_RedirectNotFollowed(t *testing.T) {
	t.Parallel()
	trap := newTrap(t)
	server, settings := testServer(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://127.0.0.1:"+trap.port+"/", http.StatusFound)
	})
	settings.Ports = append(settings.Ports, port(t, trap.port))
	client, err := NewClient(settings)
	require.NoError(t, err)
	response, err := client.Get(server.URL)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusFound, response.StatusCode)
	require.Zero(t, trap.caught.Load())
}

func TestClient_BodyBounded(t *testing.T) {
	t.Parallel()
	const limit = 1000
	server, settings := testServer(t, func(w http.ResponseWriter, r *http.Request) {
		size, _ := strconv.Atoi(r.URL.Query().Get("size"))
		w.Header().Set("Content-Encoding", "gzip")
		packer := gzip.NewWriter(w)
		_, _ = packer.Write(bytes.Repeat([]byte("x"), size))
		_ = packer.Close()
	})
	settings.MaxBody = limit
	client, err := NewClient(settings)
	require.NoError(t, err)
	read := func(size int) (int, error) {
		response, err := client.Get(server.URL + "?size=" + strconv.Itoa(size))
		require.NoError(t, err)
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		return len(body), err
	}
	n, err := read(limit)
	require.NoError(t, err)
	require.Equal(t, limit, n)
	n, err = read(limit + 1)
	require.ErrorIs(t, err, ErrTooLong)
	require.Equal(t, limit, n)
	_, err = read(10 << 20)
	require.ErrorIs(t, err, ErrTooLong, "what counts is the size after decompression")
}

func TestClient_Timeout(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	server, settings := testServer(t, func(http.ResponseWriter, *http.Request) { <-done })
	t.Cleanup(func() { close(done) })
	settings.Timeout = 100 * time.Millisecond
	client, err := NewClient(settings)
	require.NoError(t, err)
	_, err = client.Get(server.URL)
	var timeout interface{ Timeout() bool }
	require.ErrorAs(t, err, &timeout)
	require.True(t, timeout.Timeout())
}

// A proxy of the environment would dial in our place, past the guard.
func TestClient_ProxyOfEnvironmentUnused(t *testing.T) {
	t.Parallel()
	client, err := NewClient(Defaults())
	require.NoError(t, err)
	require.Nil(t, client.Transport.(checked).next.(bounded).next.(*http.Transport).Proxy)
}

// A private authority is trusted when its certificate is named, beside the system's.
func TestClient_CAFile(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
	parsed, err := url.Parse(server.URL)
	require.NoError(t, err)
	settings := Defaults()
	settings.Allow = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	settings.Ports = []uint16{netip.MustParseAddrPort(parsed.Host).Port()}
	for trusted, path := range map[bool]string{true: file, false: ""} {
		settings.CAFile = path
		client, err := NewClient(settings)
		require.NoError(t, err)
		response, err := client.Get(server.URL)
		require.Equal(t, trusted, err == nil, "%v", err)
		if err == nil {
			response.Body.Close()
		}
	}
	require.NoError(t, os.WriteFile(file, []byte("nothing"), 0o600))
	settings.CAFile = file
	require.ErrorContains(t, settings.Validate(), "ca_file: ")
	settings.CAFile = file + ".gone"
	require.ErrorContains(t, settings.Validate(), "ca_file: ")
}
