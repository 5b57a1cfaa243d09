package apikeyauthextension

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.uber.org/zap"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
)

// echo answers with the credential it was sent.
func echo(t *testing.T, c *clientExtension, server *httptest.Server) (apikey.Credential, error) {
	t.Helper()
	transport, err := c.RoundTripper(server.Client().Transport)
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader("body"))
	require.NoError(t, err)
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return apikey.Credential{}, err
	}
	require.NoError(t, response.Body.Close())
	require.Empty(t, request.Header, "the caller's request is not changed")
	read := apikey.ReadHeaders(response.Header)
	return read.Credential()
}

func echoServer(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, name := range []string{apikey.IDHeader, apikey.SecretHeader} {
			w.Header().Set(name, r.Header.Get(name))
		}
	}))
	t.Cleanup(server.Close)
	return server
}

func TestClient_HTTP(t *testing.T) {
	t.Parallel()
	credential := apikey.NewCredential()
	config := &ClientConfig{KeyID: credential.ID.String(), KeySecret: configopaque.String(credential.Secret)}
	c := newClient(zap.NewNop(), config)

	t.Run("OK loopback", func(t *testing.T) {
		sent, err := echo(t, c, echoServer(t))
		require.NoError(t, err)
		require.Equal(t, credential, sent)
	})
	t.Run("ErrPlaintext", func(t *testing.T) {
		transport, err := c.RoundTripper(http.DefaultTransport)
		require.NoError(t, err)
		for _, host := range []string{"192.0.2.1", "example.test", "localhost.example.test", "127.0.0.1.example.test"} {
			request := httptest.NewRequest(http.MethodPost, "http://"+host+":4318/v1/logs", strings.NewReader("body"))
			response, err := transport.RoundTrip(request)
			require.ErrorIs(t, err, errPlaintext, host)
			require.Nil(t, response)
		}
	})
	t.Run("ErrRedirect", func(t *testing.T) {
		seen := make(chan http.Header, 1)
		target := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header }))
		defer target.Close()
		server := httptest.NewServer(http.RedirectHandler(target.URL, http.StatusTemporaryRedirect))
		defer server.Close()
		_, err := echo(t, c, server)
		require.ErrorIs(t, err, errRedirect)
		require.Empty(t, seen, "the target of a redirect is not called")
	})
}

func TestClient_GRPC(t *testing.T) {
	t.Parallel()
	credential := apikey.NewCredential()
	for _, insecure := range []bool{false, true} {
		c := newClient(zap.NewNop(), &ClientConfig{KeyID: credential.ID.String(), KeySecret: configopaque.String(credential.Secret), AllowInsecure: insecure})
		rpc, err := c.PerRPCCredentials()
		require.NoError(t, err)
		require.Equal(t, !insecure, rpc.RequireTransportSecurity())
		metadata, err := rpc.GetRequestMetadata(t.Context())
		require.NoError(t, err)
		require.Equal(t, map[string]string{"x-api-key-id": credential.ID.String(), "x-api-key-secret": credential.Secret}, metadata)
	}
}

func TestClient_SecretFile(t *testing.T) {
	t.Parallel()
	credential, path := apikey.NewCredential(), filepath.Join(t.TempDir(), "secret")
	id := credential.ID.String()
	write := func(text string, at time.Time) {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		require.NoError(t, os.Chtimes(path, at, at))
	}
	c := newClient(zap.NewNop(), &ClientConfig{KeyID: id, KeySecretFile: path})
	require.ErrorContains(t, c.Start(t.Context(), componenttest.NewNopHost()), "key_secret_file")

	for _, bad := range []string{"", "tfs_short", apikey.NewCredential().ID.String() + ":" + credential.Secret} {
		write(bad, time.Now())
		err := c.Start(t.Context(), componenttest.NewNopHost())
		require.ErrorContains(t, err, "key_secret_file")
		require.NotContains(t, err.Error(), credential.Secret)
	}
	write(id+":"+credential.Secret+"\n", time.Now())
	require.NoError(t, c.Start(t.Context(), componenttest.NewNopHost()))
	sent, err := echo(t, c, echoServer(t))
	require.NoError(t, err)
	require.Equal(t, credential, sent)

	renewed := apikey.NewSecret()
	write(renewed+"\n", time.Now().Add(time.Minute))
	require.Eventually(t, func() bool { secret, err := c.currentSecret(); return err == nil && secret == renewed }, 5*time.Second, 10*time.Millisecond)
	require.NoError(t, os.Remove(path))
	c.secret.checked = time.Time{}
	secret, err := c.currentSecret()
	require.NoError(t, err, "the last secret stays in use")
	require.Equal(t, renewed, secret)
}
