package apikeyauthextension

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configauth"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	"google.golang.org/grpc/codes"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/apikey/keyadmin"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
	"github.com/telemetryflow/telemetryflow/internal/testkit/apikeytest"
)

// refusals are credentials that do not hold, each for another reason.
func refusals(t *testing.T, b *bundle) map[string]map[string][]string {
	t.Helper()
	revoked, gone := b.Key(t), time.Now().Add(-time.Hour)
	_, err := b.Admin.Revoke(t.Context(), revoked.ID)
	require.NoError(t, err)
	requireSoon(t, b.extension, revoked, codes.Unauthenticated)
	cold, warm := b.Key(t), b.Key(t)
	require.Equal(t, codes.OK, judge(b.extension, warm))
	expired := b.Key(t, func(key *keyadmin.NewKey) { key.ExpiresAt = &gone })
	return map[string]map[string][]string{
		"no key":                 {},
		"half a key":             {"X-Api-Key-Id": {warm.ID.String()}},
		"garbage":                {"Authorization": {"Bearer garbage"}},
		"unknown":                headers(apikey.NewCredential()),
		"wrong secret":           headers(apikeytest.Wrong(cold)),
		"wrong secret, key used": headers(apikeytest.Wrong(warm)),
		"revoked":                headers(revoked),
		"expired":                headers(expired),
	}
}

// Many strangers at once get that answer too, and not that the store is busy.
func TestServer_ManyUnknown(t *testing.T) {
	t.Parallel()
	b := setup(t, testkit.Redis(t).URL)
	answers := make(chan codes.Code)
	for range 500 {
		go func() { answers <- judge(b.extension, apikey.NewCredential()) }()
	}
	for range 500 {
		require.Equal(t, codes.Unauthenticated, <-answers)
	}
}

// One answer to all of them, to the byte, from a stock receiver.
func TestServer_RefusalsHTTP(t *testing.T) {
	t.Parallel()
	b := setup(t, testkit.Redis(t).URL)
	id := component.MustNewID("api_key_auth")
	config := confighttp.NewDefaultServerConfig()
	config.Auth = configoptional.Some(confighttp.AuthConfig{Config: configauth.Config{AuthenticatorID: id}})
	reached := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	made, err := config.ToServer(t.Context(), map[component.ID]component.Component{id: b.extension},
		componenttest.NewNopTelemetrySettings(), reached)
	require.NoError(t, err)
	server := httptest.NewServer(made.Handler)
	t.Cleanup(server.Close)

	answer := func(sources map[string][]string) (int, http.Header, string) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, http.NoBody)
		require.NoError(t, err)
		request.Header = sources
		response, err := server.Client().Do(request)
		require.NoError(t, err)
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		response.Header.Del("Date")
		return response.StatusCode, response.Header, string(body)
	}
	_, first, text := answer(nil)
	require.Contains(t, text, "missing or invalid API key")
	for why, sources := range refusals(t, b) {
		code, header, body := answer(sources)
		require.Equal(t, http.StatusUnauthorized, code, why)
		require.Equal(t, first, header, why)
		require.Equal(t, text, body, why)
	}
	code, _, _ := answer(headers(b.Key(t)))
	require.Equal(t, http.StatusTeapot, code, "a good one comes through")
}

// Neither errors nor logs, debug ones included, show a secret or a hash, also
// while every store fails in turn.
func TestServer_SecretsStaySecret(t *testing.T) {
	t.Parallel()
	redis := testkit.Redis(t)
	b := setup(t, redis.URL)
	core, logs := observer.New(zapcore.DebugLevel)
	settings := extensiontest.NewNopSettings(NewFactory().Type())
	settings.Logger = zap.New(core)
	gate := apikeytest.NewGate(t, b.IngestURL)
	b.extension = startWith(t, settings, gate.URL, redis.URL)

	good, broken := b.Key(t), b.Key(t)
	b.Exec(t, "UPDATE api_keys SET secret_hash = '$argon2id$broken' WHERE key_id = '"+broken.ID.String()+"'")
	requireSoon(t, b.extension, good, codes.OK)
	requireSoon(t, b.extension, broken, codes.Unauthenticated)
	all := refusals(t, b)
	all["good"], all["broken"], all["late"] = headers(good), headers(broken), headers(b.Key(t))
	for _, fail := range []func(){func() {}, gate.Close, redis.Stop, gate.Open} {
		fail()
		for why, sources := range all {
			_, err := b.extension.Authenticate(context.Background(), sources)
			for _, secret := range sources["X-Api-Key-Secret"] {
				if err != nil {
					require.NotContains(t, err.Error(), secret, why)
				}
			}
		}
	}
	require.Eventually(t, func() bool { return logs.FilterMessageSnippet("change feed").Len() > 0 }, soon, time.Millisecond)
	require.NotZero(t, logs.FilterMessageSnippet("rotate the key").Len())
	for _, entry := range logs.All() {
		line, err := zapcore.NewJSONEncoder(zapcore.EncoderConfig{MessageKey: "message"}).EncodeEntry(entry.Entry, entry.Context)
		require.NoError(t, err)
		require.NotContains(t, line.String(), "tfs_")
		require.NotContains(t, line.String(), "$argon2id$")
	}
}
