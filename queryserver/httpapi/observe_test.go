package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
)

func containsText(b *safeBuffer, text string) bool { return strings.Contains(b.String(), text) }

func TestObserve_AccessLogAndTrace(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	id := f.ada.Scope.Organization().String()
	got := f.get(t, "/api/v2/things/"+id, as(adaToken))
	require.Equal(t, 200, got.StatusCode)
	var line map[string]any
	for text := range strings.Lines(f.logs.String()) {
		if strings.Contains(text, got.Header.Get("X-Request-Id")) {
			require.NoError(t, json.Unmarshal([]byte(text), &line))
		}
	}
	span := f.spans.GetSpans()[0]
	require.Equal(t, "GET /api/v2/things/{id}", span.Name)
	require.Contains(t, span.Attributes, attribute.String("http.route", "/api/v2/things/{id}"))
	require.Greater(t, line["duration"], 0.0)
	delete(line, "duration")
	delete(line, "time")
	require.Equal(t, map[string]any{
		"level": "INFO", "msg": "request", "request_id": got.Header.Get("X-Request-Id"), "trace_id": span.SpanContext.TraceID().String(),
		"method": "GET", "route": "/api/v2/things/{id}", "status": 200.0, "bytes": float64(len(got.body)), "client": "127.0.0.1",
		"subject_kind": "user", "subject": "ada", "organization": id,
	}, line)
}

// ASVS 16.2.5 and incident 8: what callers send as a secret is in no log, no trace, no
// metric and no answer, whether it is right or wrong and whatever goes wrong.
func TestASVS_16_2_5_SecretsAppearNowhere(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	wrong := apikey.NewSecret()
	const password, rawQuery, custom = "correct-horse-battery", "raw-query-canary", "header-canary"
	secrets := []string{adaToken, bobSession, f.key.Secret, wrong, password, rawQuery, custom, downToken, brokenToken, causeSecret, string(f.settings.CursorKey)}
	var answers strings.Builder
	for _, headers := range [][]string{
		{as(adaToken)}, {as(adaToken + "x")}, {as(downToken)}, {as(brokenToken)}, {"Cookie: __Host-telemetryflow-session=" + bobSession},
		{"X-API-Key-ID: " + f.key.ID.String(), "X-API-Key-Secret: " + f.key.Secret}, {"X-API-Key-ID: " + f.key.ID.String(), "X-API-Key-Secret: " + wrong},
		{as(adaToken), "Cookie: __Host-telemetryflow-session=" + bobSession},
	} {
		headers = append(headers, "X-Custom: "+custom)
		for _, target := range []string{"/api/v2/things?name=" + rawQuery, "/api/v2/me?x=" + rawQuery, "/api/v2/nothing?x=" + rawQuery, "/api/v2/me?token=" + rawQuery} {
			answers.WriteString(f.get(t, target, headers...).body)
		}
		for _, body := range []string{`{"name":"x","password":"%s"}`, `{"name":1,"password":"%s"}`, `{"password":"%s"`, `{"password":["%s"]}`, `"%s"`, `{"name":"x","password":"%s"}}`} {
			for _, target := range []string{"/api/v2/things", "/api/v2/login"} {
				answers.WriteString(f.send(t, "POST", target, fmt.Sprintf(body, password), headers...).body)
			}
		}
		for _, kind := range []string{"unknown", "panic", "internal", "invalid", "unavailable"} {
			answers.WriteString(f.get(t, "/api/v2/fail/"+kind, headers...).body)
		}
	}
	metrics := f.onAdmin(t, "/metrics").body
	require.Contains(t, metrics, "http_server_request_duration_seconds")
	spans, err := json.Marshal(f.spans.GetSpans())
	require.NoError(t, err)
	require.Contains(t, string(spans), "POST /api/v2/things")
	for _, secret := range secrets {
		for place, text := range map[string]string{"answers": answers.String(), "metrics": metrics, "traces": string(spans)} {
			require.NotContains(t, text, secret, place)
		}
	}
	// The log has the causes of internal errors, for operators; of what callers sent, nothing.
	for _, secret := range secrets {
		if secret != causeSecret {
			require.NotContains(t, f.logs.String(), secret)
		}
	}
	require.NotContains(t, f.logs.String(), "with "+causeSecret, "the value of a panic")
}

// Incident 19: two callers in parallel on the same connections never get each other's
// answers.
func TestIncident19_TwoIdentitiesInParallel(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	var group sync.WaitGroup
	for worker := range 8 {
		identity, headers := "ada", []string{as(adaToken)}
		organization := f.ada.Scope.Organization().String()
		if worker%2 == 1 {
			identity, headers = "bob", []string{"Cookie: __Host-telemetryflow-session=" + bobSession}
			organization = f.bob.Scope.Organization().String()
		}
		group.Go(func() {
			for n := range 150 {
				agent := fmt.Sprintf("%s-%d-%d", identity, worker, n)
				got := f.get(t, "/api/v2/me", append(headers, "User-Agent: "+agent)...)
				want := fmt.Sprintf(`{"subject":%q,"organization":%q,"ip":"127.0.0.1","userAgent":%q,"requestId":%q}`, identity, organization, agent, got.Header.Get("X-Request-Id"))
				if got.StatusCode != http.StatusOK || strings.TrimSpace(got.body) != want {
					t.Errorf("got %s, want %s", got.body, want)
				}
				if got := f.send(t, "POST", "/api/v2/things", `{"name":"x"}`, append(headers, "Sec-Fetch-Site: same-origin", "X-Requested-With: x")...); (got.StatusCode == http.StatusOK) != (identity == "ada") {
					t.Errorf("%s got %d", identity, got.StatusCode)
				}
			}
		})
	}
	group.Wait()
	require.Zero(t, f.ada.Client, "the authenticator's calls are shared, and not changed")
}
