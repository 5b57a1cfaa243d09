package httpapi

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func (f *fixture) anybody(t *testing.T, headers ...string) (who, answer) {
	t.Helper()
	got := f.get(t, "/api/v2/anybody", headers...)
	require.Equal(t, 200, got.StatusCode)
	var w who
	require.NoError(t, json.Unmarshal([]byte(got.body), &w))
	return w, got
}

// ASVS 4.1.3 and 15.3.4: only configured proxies are believed.
func TestASVS_4_1_3_ForwardedHeadersOfStrangersAreIgnored(t *testing.T) {
	t.Parallel()
	f := setup(t, func(s *Settings) { s.Proxies = []string{"10.0.0.0/8"} })
	w, got := f.anybody(t, "X-Forwarded-For: 203.0.113.9", "X-Real-IP: 203.0.113.9", "Forwarded: for=203.0.113.9", "X-Forwarded-Proto: https", "X-Request-Id: mine", "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	require.Equal(t, "127.0.0.1", w.IP)
	require.Regexp(t, "^[0-9a-f]{32}$", w.RequestID)
	require.Equal(t, w.RequestID, got.Header.Get("X-Request-Id"))
	require.Empty(t, got.Header.Get("Strict-Transport-Security"))
	require.NotEqual(t, "0af7651916cd43dd8448eb211c80319c", f.spans.GetSpans()[0].SpanContext.TraceID().String())
}

func TestASVS_15_3_4_ForwardedHeadersOfProxies(t *testing.T) {
	t.Parallel()
	f := setup(t, func(s *Settings) { s.Proxies = []string{"127.0.0.0/8", "10.0.0.0/8"} })
	w, got := f.anybody(t, "X-Forwarded-For: 1.2.3.4, 203.0.113.9, 10.1.1.1", "X-Forwarded-Proto: https", "X-Request-Id: from-the.proxy_1", "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	require.Equal(t, "203.0.113.9", w.IP)
	require.Equal(t, "from-the.proxy_1", w.RequestID)
	require.Equal(t, "from-the.proxy_1", got.Header.Get("X-Request-Id"))
	require.Equal(t, strictTransport, got.Header.Get("Strict-Transport-Security"))
	require.Equal(t, "0af7651916cd43dd8448eb211c80319c", f.spans.GetSpans()[0].SpanContext.TraceID().String())

	for id, good := range map[string]bool{"a b": false, "\"": false, "": false, string(make([]byte, 65)): false, "ok": true} {
		require.Equal(t, good, validRequestID(id), id)
	}
}

func TestProxies_Client(t *testing.T) {
	t.Parallel()
	known := newProxies([]string{"10.0.0.0/8", "fd00::/8"})
	peer := netip.MustParseAddr("10.0.0.1")
	for forwarded, want := range map[string]string{
		"203.0.113.9":                    "203.0.113.9",
		"1.1.1.1, 203.0.113.9":           "203.0.113.9",
		"1.1.1.1, 10.0.0.2":              "1.1.1.1",
		"::ffff:203.0.113.9":             "203.0.113.9",
		"2001:db8::1, fd00::2":           "2001:db8::1",
		"nonsense":                       "10.0.0.1",
		"1.1.1.1, nonsense":              "10.0.0.1",
		"":                               "10.0.0.1",
		"10.0.0.3, 10.0.0.2":             "10.0.0.3",
		"127.0.0.1:80":                   "10.0.0.1",
		"1.1.1.1,203.0.113.9 ,10.0.0.2 ": "203.0.113.9",
	} {
		require.Equal(t, want, known.client(peer, []string{forwarded}).String(), forwarded)
	}
	r, err := http.NewRequest(http.MethodGet, "/", nil)
	require.NoError(t, err)
	r.RemoteAddr = "[::ffff:10.0.0.1]:1234"
	r.Header["X-Forwarded-For"] = []string{"1.1.1.1", "2.2.2.2"}
	require.Equal(t, "2.2.2.2", known.observe(r).client.String())
	require.Empty(t, r.Header, "nobody reads them again")
}
