//go:build linux

package stacktest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/localstack"
)

// Span is an OTLP/JSON request with one span of a service, of this moment.
func Span(service string) string {
	var ids [24]byte
	_, _ = rand.Read(ids[:])
	now := time.Now().UnixNano()
	return fmt.Sprintf(`{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":%q}}]},`+
		`"scopeSpans":[{"spans":[{"traceId":%q,"spanId":%q,"name":"test","kind":2,"startTimeUnixNano":"%d","endTimeUnixNano":"%d"}]}]}]}`,
		service, hex.EncodeToString(ids[:16]), hex.EncodeToString(ids[16:]), now, now+1e6)
}

// Post sends an OTLP/JSON request with a key and returns the answer's status.
func Post(ctx context.Context, client *http.Client, base string, key localstack.Key, body string) (int, string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/v1/traces", strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("Content-Type", "application/json")
	if key.ID != "" {
		request.Header.Set("X-API-Key-ID", key.ID)
		request.Header.Set("X-API-Key-Secret", key.Secret)
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

// SendSpan sends one span of a service and requires that it is accepted.
func SendSpan(t testing.TB, client *http.Client, base string, key localstack.Key, service string) {
	t.Helper()
	status, text, err := Post(t.Context(), client, base, key, Span(service))
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status, text)
}
