package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// ASVS 16.5.1: a table of codes, and nothing of a cause.
func TestASVS_16_5_1_Problems(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	for code, want := range map[queryserver.Code]int{
		queryserver.Invalid: 400, queryserver.Unauthenticated: 401, queryserver.Forbidden: 403, queryserver.NotFound: 404,
		queryserver.Conflict: 409, queryserver.TooMany: 429, queryserver.Unavailable: 503,
	} {
		got := f.get(t, "/api/v2/fail/"+string(code))
		require.Equal(t, want, got.StatusCode, code)
		p := got.problem(t)
		require.Equal(t, string(code), p.Code)
		require.Equal(t, "about:blank", p.Type)
		require.Equal(t, http.StatusText(want), p.Title)
		require.Equal(t, "the message", p.Detail)
		require.Equal(t, []ProblemField{{"body.name", "the field"}}, p.Errors)
		require.NotContains(t, got.body, causeSecret)
		require.Equal(t, map[bool]string{true: "3"}[want == 429 || want == 503], got.Header.Get("Retry-After"), code)
		require.Equal(t, map[bool]string{true: challenge}[want == 401], got.Header.Get("WWW-Authenticate"), code)
	}
}

// ASVS 16.5.4: a panic ends its request only, and is logged with its stack.
func TestASVS_16_5_4_UnknownErrorsAndPanics(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	for _, kind := range []string{"unknown", "internal", "runtime", "panic", "another_code"} {
		got := f.get(t, "/api/v2/fail/"+kind)
		require.Equal(t, 500, got.StatusCode, kind)
		p := got.problem(t)
		require.Equal(t, internalDetail, p.Detail, kind)
		require.Equal(t, "internal", p.Code)
		require.Empty(t, p.Errors)
		require.NotContains(t, got.body, causeSecret)
		require.Contains(t, f.logs.String(), `"request_id":"`+strings.TrimPrefix(p.Instance, "urn:request:")+`"`)
	}
	require.Contains(t, f.logs.String(), "index out of range")
	require.Contains(t, f.logs.String(), "panic with a string")
	require.Contains(t, f.logs.String(), `setup_test.go:`, "the stack")
	require.Equal(t, 200, f.get(t, "/api/v2/anybody").StatusCode)
}

func TestProblem_OfTheMux(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	for _, path := range []string{"/", "/api", "/api/", "/api/v2", "/api/v2/", "/api/v2/nothing", "/api/v1/things", "/api/v2/things/", "/favicon.ico"} {
		got := f.get(t, path, as(adaToken))
		require.Equal(t, 404, got.StatusCode, path)
		require.Equal(t, "not_found", got.problem(t).Code)
	}
	got := f.send(t, http.MethodPut, "/api/v2/things", "", as(adaToken))
	require.Equal(t, 405, got.StatusCode)
	require.Equal(t, "GET, HEAD, POST", got.Header.Get("Allow"))
	require.Equal(t, "method_not_allowed", got.problem(t).Code)
	for _, method := range []string{"TRACE", "OPTIONS", "PROPFIND"} {
		require.Equal(t, 405, f.send(t, method, "/api/v2/things", "").StatusCode, method)
	}
}

func TestProblem_HEAD(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	got := f.send(t, http.MethodHead, "/api/v2/things", "", as(adaToken))
	require.Equal(t, 200, got.StatusCode)
	require.Empty(t, got.body)
	require.Equal(t, 401, f.send(t, http.MethodHead, "/api/v2/things", "").StatusCode)
	got = f.send(t, http.MethodDelete, "/api/v2/things/"+f.ada.Scope.Organization().String(), "", as(adaToken))
	require.Equal(t, 204, got.StatusCode)
	require.Empty(t, got.body)
}

func TestProblem_NotAcceptable(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	for _, accept := range []string{"text/html", "application/xml, text/*", "application/json;q=0", "nonsense"} {
		got := f.get(t, "/api/v2/anybody", "Accept: "+accept)
		require.Equal(t, 406, got.StatusCode, accept)
		require.Equal(t, "not_acceptable", got.problem(t).Code)
	}
	for _, accept := range []string{"*/*", "application/*;q=0.1", "text/html, application/json;q=0.5", "application/problem+json"} {
		require.Equal(t, 200, f.get(t, "/api/v2/anybody", "Accept: "+accept).StatusCode, accept)
	}
}

// What does not fit the description is 400, says where, and never repeats the value.
func TestASVS_2_2_1_BodiesAndParametersAreValidated(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	const secret = "hunter2-hunter2"
	for body, want := range map[string]ProblemField{
		`{"name":"x","role":"owner"}`:                                      {"body.role", "unexpected property"},
		`{"name":"x","of":{"name":"y","is_admin":true}}`:                   {"body.of.is_admin", "unexpected property"},
		`{"name":7,"password":"` + secret + `"}`:                           {"body.name", "expected string"},
		`{"password":"` + secret + `"}`:                                    {"body", "expected required property name to be present"},
		`{"name":"` + strings.Repeat("é", 65) + `"}`:                       {"body.name", "expected length <= 64"},
		`{"name":"x","password":"` + strings.Repeat(secret, 10) + `"}`:     {"body.password", "expected length <= 128"},
		`{"name":"x","count":1001}`:                                        {"body.count", "expected number <= 1000"},
		`{"name":"x","count":1e400}`:                                       {"body", "invalid value"},
		`["` + secret + `"]`:                                               {"body", "expected object"},
		`{"name":"x","` + strings.Repeat("a", 500) + `":"` + secret + `"}`: {"body." + strings.Repeat("a", 123) + "…", "unexpected property"},
	} {
		got := f.send(t, http.MethodPost, "/api/v2/things", body, as(adaToken))
		require.Equal(t, 400, got.StatusCode, body)
		p := got.problem(t)
		require.Equal(t, "invalid", p.Code)
		require.Contains(t, p.Errors, want, body)
		require.NotContains(t, got.body, "hunter2")
	}
	for target, location := range map[string]string{
		"/api/v2/things?limit=0": "query.limit", "/api/v2/things?limit=201": "query.limit", "/api/v2/things?limit=x": "query.limit",
		"/api/v2/things?nothing=1": "query.nothing", "/api/v2/things?name=" + strings.Repeat("x", 65): "query.name",
		"/api/v2/things/hunter2": "path.id", "/api/v2/things/00000000-0000-0000-0000-00000000000g": "path.id",
	} {
		got := f.get(t, target, as(adaToken))
		require.Equal(t, 400, got.StatusCode, target)
		require.Equal(t, location, got.problem(t).Errors[0].Location)
		require.NotContains(t, got.body, "hunter2")
	}
	many := `{"name":"x"`
	for n := range 1000 {
		many += `,"x` + strconv.Itoa(n) + `":1`
	}
	require.Len(t, f.send(t, http.MethodPost, "/api/v2/things", many+"}", as(adaToken)).problem(t).Errors, maxFaults)
}

// ASVS 2.2.1: a field without a bound does not register.
func TestASVS_2_2_1_EveryInputIsBounded(t *testing.T) {
	t.Parallel()
	f := &fixture{callers: newCallers(), logs: &safeBuffer{}}
	operation := Operation{Method: "POST", Path: "/api/v2/x", ID: "x", Tag: "X", Summary: "x"}
	type body struct {
		Text   string            `json:"text"`
		List   []string          `json:"list"`
		Map    map[string]string `json:"map"`
		Any    any               `json:"any"`
		Nested struct {
			Deep string `json:"deep"`
		} `json:"nested"`
	}
	type input struct {
		Query string `query:"q"`
		Body  body
	}
	route := JSON(Public(), operation, func(ctx context.Context, _ queryserver.Call, _ *input) (*struct{}, error) { return nil, ctx.Err() })
	_, err := New(testSettings(), f.dependencies(t), []Route{route})
	for _, want := range []string{"query.q has no maxLength", "body.text has no maxLength", "body.list has no maxItems", "body.list[] has no maxLength", "body.map has no maxProperties", "body.map.* has no maxLength", "body.any has no type", "body.nested.deep has no maxLength"} {
		require.ErrorContains(t, err, want)
	}
}

// Half an answer never looks whole, and has no problem behind it.
func TestProblem_OfRawRoutes(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	got := f.send(t, http.MethodPost, "/half/unbegun", "")
	require.Equal(t, 409, got.StatusCode)
	require.Equal(t, "not now", got.problem(t).Detail)
	require.Equal(t, "half", f.send(t, http.MethodPost, "/half/error", "").body)
	require.Equal(t, 413, f.send(t, http.MethodPost, "/half/error", strings.Repeat("x", 1<<20+1)).StatusCode)
	require.Equal(t, 403, f.send(t, http.MethodPost, "/half/error", "", "Sec-Fetch-Site: cross-site").StatusCode)
	text := f.raw(t, "POST /half/panic HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
	require.Contains(t, text, "half")
	require.False(t, strings.HasSuffix(text, "0\r\n\r\n"), "the last chunk is missing")
	require.NotContains(t, text, causeSecret)
}

// Who leaves before the answer is no error of the server's.
func TestProblem_ClientLeft(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, f.url+"/api/v2/slow", nil)
	require.NoError(t, err)
	left := make(chan error, 1)
	go func() {
		response, err := http.DefaultClient.Do(r)
		if err == nil {
			response.Body.Close()
		}
		left <- err
	}()
	<-f.entered
	cancel()
	require.ErrorIs(t, <-left, context.Canceled)
	require.Eventually(t, func() bool { return containsText(f.logs, `"status":499`) }, 10*time.Second, time.Millisecond)
	require.NotContains(t, f.logs.String(), `"level":"ERROR"`)
}
