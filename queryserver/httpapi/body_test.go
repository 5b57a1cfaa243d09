package httpapi

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBody_Size(t *testing.T) {
	t.Parallel()
	f := setup(t, func(s *Settings) { s.Limits.BodyBytes = 1000 })
	padded := func(size int) string { return `{"name":"x"` + strings.Repeat(" ", size-12) + "}" }
	require.Equal(t, 200, f.send(t, "POST", "/api/v2/login", padded(1000)).StatusCode)
	got := f.send(t, "POST", "/api/v2/login", padded(1001))
	require.Equal(t, 413, got.StatusCode)
	require.Equal(t, "too_large", got.problem(t).Code)

	chunked := f.raw(t, "POST /api/v2/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n"+padded(1001)+"\r\n0\r\n\r\n")
	require.True(t, strings.HasPrefix(chunked, "HTTP/1.1 413 "), chunked)
}

// Incident 1: compressed bodies are refused before a byte of them is read.
func TestIncident1_CompressedBodiesAreRefused(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	var bomb bytes.Buffer
	writer := gzip.NewWriter(&bomb)
	_, err := writer.Write(make([]byte, 1<<24))
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	for _, encoding := range []string{"gzip", "deflate", "br", "zstd", "identity, gzip"} {
		got := f.send(t, "POST", "/api/v2/login", bomb.String(), "Content-Encoding: "+encoding)
		require.Equal(t, 415, got.StatusCode)
		require.Equal(t, "identity", got.Header.Get("Accept-Encoding"))
		require.Equal(t, "unsupported_media_type", got.problem(t).Code)
	}
}

func TestBody_JSONOnly(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", "application/vnd.api+json", "application/json; charset=utf-16", "json", ""} {
		require.Equal(t, 415, f.send(t, "POST", "/api/v2/login", `{"name":"x"}`, "Content-Type: "+kind).StatusCode, kind)
	}
	require.Equal(t, 200, f.send(t, "POST", "/api/v2/login", `{"name":"x"}`, "Content-Type: application/JSON; charset=UTF-8").StatusCode)
	require.Equal(t, 400, f.send(t, "POST", "/api/v2/login", "").StatusCode)
	require.Equal(t, 400, f.send(t, "GET", "/api/v2/anybody", `{}`).StatusCode, "GET with a body")
	require.Equal(t, 400, f.send(t, "DELETE", "/api/v2/things/"+f.ada.Scope.Organization().String(), `{}`, as(adaToken)).StatusCode)
}

// Texts that programs read differently are refused: a duplicate name is an error, not
// the first and not the last.
func TestBody_AmbiguousJSON(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	nested := func(depth int) string {
		return strings.Repeat(`{"name":"x","of":`, depth-1) + `{"name":"x"}` + strings.Repeat("}", depth-1)
	}
	require.Equal(t, 200, f.send(t, "POST", "/api/v2/login", nested(maxDepth)).StatusCode)
	for body, detail := range map[string]string{
		`{"name":"x","name":"y"}`:                   "the body has the same name twice in one object",
		`{"name":"x","NAME":"y"}`:                   "the body has the same name twice in one object",
		`{"name":"x","n\u0061me":"y"}`:              "the body has the same name twice in one object",
		`{"name":"x","of":{"name":"x","name":"x"}}`: "the body has the same name twice in one object",
		nested(maxDepth + 1):                        "the body is nested deeper than 32 levels",
		strings.Repeat("[", 100_000):                "the body is nested deeper than 32 levels",
		"{\"name\":\"\xff\"}":                       "the body is not UTF-8",
		"{\"name\":\"\xed\xa0\x80\"}":               "the body is not UTF-8",
		`{"name":"a\u0000b"}`:                       "the body contains NUL",
		`{"name":"x"} {"name":"y"}`:                 "the body goes on after its JSON value",
		`{"name":"x"}}`:                             "the body is not JSON",
		`{"name":"x"`:                               "the body is not JSON",
		"\ufeff" + `{"name":"x"}`:                   "the body is not JSON",
		`{'name':'x'}`:                              "the body is not JSON",
		`{"name":"x",}`:                             "the body is not JSON",
		" ":                                         "the body is not JSON",
		`{"name":NaN}`:                              "the body is not JSON",
	} {
		got := f.send(t, "POST", "/api/v2/login", body)
		require.Equal(t, 400, got.StatusCode, "%.80s", body)
		require.Equal(t, detail, got.problem(t).Detail, "%.80s", body)
	}
}

// Whatever checkJSON lets pass, encoding/json can read.
func FuzzCheckJSON(f *testing.F) {
	for _, seed := range []string{`{"a":[1,{"b":null}],"c":"d"}`, `[]`, `"x"`, `1`, `{"a":1}}`, `{"a":1,"A":2}`, `[[[`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var value any
		if checkJSON(body) == nil {
			require.NoError(t, json.Unmarshal(body, &value))
		}
	})
}

// Slow clients: the header and the body have a time, and a connection without a request.
func TestLimits_SlowClients(t *testing.T) {
	t.Parallel()
	f := setup(t, func(s *Settings) {
		s.Limits.HeaderTimeout, s.Limits.BodyTimeout, s.Limits.IdleTimeout = 200*time.Millisecond, 200*time.Millisecond, 200*time.Millisecond
	})
	require.Empty(t, f.raw(t, "GET /api/v2/anybody HTTP/1.1\r\nHost: x\r\nX-Slow: "), "slowloris")

	body := f.raw(t, "POST /api/v2/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
	require.True(t, strings.HasPrefix(body, "HTTP/1.1 408 "), body)
	require.Contains(t, body, "request_timeout")

	refused := f.raw(t, "POST /api/v2/things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
	require.True(t, strings.HasPrefix(refused, "HTTP/1.1 401 "), refused)

	idle := f.raw(t, "GET /api/v2/anybody HTTP/1.1\r\nHost: x\r\n\r\n")
	require.True(t, strings.HasPrefix(idle, "HTTP/1.1 200 "), idle)
}

// The body's deadline ends with the body: it does not end the work.
func TestLimits_BodyTimeoutIsNotTheRequests(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]int{"/api/v2/slow": 204, "/half/slow": 200} {
		f := setup(t, func(s *Settings) { s.Limits.BodyTimeout = 100 * time.Millisecond })
		timer := time.AfterFunc(400*time.Millisecond, func() { close(f.release) })
		defer timer.Stop()
		require.Equal(t, want, f.send(t, "POST", target, `{"name":"x"}`).StatusCode, target)
	}
}

func TestLimits_RequestTimeout(t *testing.T) {
	t.Parallel()
	f := setup(t, func(s *Settings) {
		s.Limits.RequestTimeout, s.Limits.BodyTimeout = 50*time.Millisecond, 50*time.Millisecond
	})
	got := f.get(t, "/api/v2/slow")
	require.Equal(t, 503, got.StatusCode)
	require.Equal(t, "1", got.Header.Get("Retry-After"))
	require.Equal(t, "the request took too long", got.problem(t).Detail)
}

func TestLimits_RequestsAtOnce(t *testing.T) {
	t.Parallel()
	f := setup(t, func(s *Settings) { s.Limits.Requests = 2 })
	statuses := make(chan int, 2)
	for range 2 {
		go func() {
			response, err := http.Get(f.url + "/api/v2/slow")
			if err != nil {
				statuses <- 0
				return
			}
			response.Body.Close()
			statuses <- response.StatusCode
		}()
		<-f.entered
	}
	got := f.get(t, "/api/v2/anybody")
	require.Equal(t, 503, got.StatusCode)
	require.Equal(t, "1", got.Header.Get("Retry-After"))
	require.Equal(t, "unavailable", got.problem(t).Code)
	close(f.release)
	require.Equal(t, 204, <-statuses)
	require.Equal(t, 204, <-statuses)
	require.Equal(t, 200, f.get(t, "/api/v2/anybody").StatusCode)
}

func TestLimits_HugeHeaders(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	require.Equal(t, 431, f.get(t, "/api/v2/anybody", "X-Big: "+strings.Repeat("x", 64<<10)).StatusCode)
	require.Equal(t, 431, f.get(t, "/api/v2/anybody?name="+strings.Repeat("x", 64<<10)).StatusCode)
	require.Equal(t, 401, f.get(t, "/api/v2/me", as(strings.Repeat("x", 16<<10))).StatusCode)
}

// Two lengths are the beginning of request smuggling.
func TestLimits_TwoLengths(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	got := f.raw(t, "POST /api/v2/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}")
	require.True(t, strings.HasPrefix(got, "HTTP/1.1 400 "), got)
}
