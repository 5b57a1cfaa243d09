//go:build linux

package queryserver

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/telemetryflow/telemetryflow/internal/localstack/stacktest"
)

// trace sends traces of two spans by telemetrygen and waits until they are stored.
func (r *reader) trace(t *testing.T, service string, count int, flags ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience)
	defer cancel()
	arguments := append([]string{
		"traces", "--traces", strconv.Itoa(count), "--rate", "0", "--workers", "1", "--otlp-insecure", "--service", service,
		"--otlp-endpoint", "127.0.0.1:" + strconv.Itoa(r.stack.GRPCPort),
		"--otlp-header", fmt.Sprintf("X-API-Key-ID=%q", r.key.ID), "--otlp-header", fmt.Sprintf("X-API-Key-Secret=%q", r.key.Secret),
	}, flags...)
	output, err := exec.CommandContext(ctx, filepath.Join(stacktest.Root(t), "bin", "tools", "telemetrygen"), arguments...).CombinedOutput()
	require.NoError(t, err, "%s", output)
	r.stack.AwaitQuery(t, strconv.Itoa(2*count), "SELECT count() FROM spans_v3 WHERE service_name = '%s'", service)
}

// visit asks for any path.
func (r *reader) visit(t *testing.T, target string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.stack.API+target, nil)
	require.NoError(t, err)
	if r.bearer != "" {
		request.Header.Set("Authorization", "Bearer "+r.bearer)
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(text)
}

// account is a service account of an organization whose role sees the traces of a service,
// with a token, as for Grafana.
func account(t *testing.T, stack *stacktest.Stack, organization, service string) *reader {
	t.Helper()
	command := exec.CommandContext(t.Context(), stacktest.Program(t, "telemetryflow"),
		"user", "create", "owner@"+organization+".example.com", "--organization", organization, "--role", "Owner", "--postgres-url", stack.State.AppURL())
	command.Env, command.Stdin = os.Environ(), strings.NewReader(secret+"\n")
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%s", output)
	c := &client{Client: http.DefaultClient, base: stack.API}
	ask := func(method, path string, body, into any) {
		status, _ := c.ask(t, method, "/api/v2/"+path, body, into)
		require.Less(t, status, 300, path)
	}
	var got session
	ask(http.MethodPost, "auth/login", map[string]any{"email": "owner@" + organization + ".example.com", "password": secret}, &got)
	c.bearer = got.AccessToken
	var me struct{ TenantID string }
	var role struct{ RoleID string }
	var made struct{ ID string }
	var token struct{ Token string }
	ask(http.MethodGet, "auth/me", nil, &me)
	ask(http.MethodPost, "roles", map[string]any{
		"name": "Traces of " + service, "permissions": []string{"traces:read"}, "filter": []any{map[string]any{"dimension": "service", "values": []string{service}}},
	}, &role)
	ask(http.MethodPost, "service-accounts", map[string]any{"name": "grafana", "roles": []any{map[string]any{"roleId": role.RoleID, "tenantId": me.TenantID}}}, &made)
	ask(http.MethodPost, "service-accounts/"+made.ID+"/tokens", map[string]any{"name": "grafana"}, &token)
	require.NotEmpty(t, token.Token)
	return &reader{stack: stack, bearer: token.Token}
}

type listedTrace struct {
	TraceID, RootService, RootOperation string
	Start                               time.Time
	SpanCount, ErrorCount               uint64
	Services                            []string
}

// What telemetrygen sent through a collector comes back by every way out, with nothing of
// another tenant, and nothing that a role does not see.
func TestTraces(t *testing.T) {
	t.Parallel()
	stack := stacktest.Start(t)
	ours, theirs := newReader(t, stack, "ours"), newReader(t, stack, "theirs")
	ours.trace(t, "shop", 20, "--status-code", "Error", "--telemetry-attributes", `order="o1"`)
	ours.trace(t, "cart", 5, "--span-duration", "50ms")
	theirs.trace(t, "secret", 5)
	cart := account(t, stack, "ours", "cart")

	list := listAll(t, ours)
	require.Len(t, list, 25)
	for _, one := range list {
		require.Equal(t, "lets-go", one.RootOperation)
		require.EqualValues(t, 2, one.SpanCount)
		require.Equal(t, []string{one.RootService}, one.Services)
	}
	var page struct{ Items []listedTrace }
	for query, count := range map[string]int{"service=cart": 5, "status=ERROR": 20, "minDuration=10ms": 5, "attributes=order%3Do1": 20, "q=order%3Ao1+kind%3Aserver": 20, "operation=nothing": 0, "order=slowest&limit=200": 25} {
		values, err := url.ParseQuery(query)
		require.NoError(t, err)
		var pairs []string
		for key := range values {
			pairs = append(pairs, key, values.Get(key))
		}
		ours.read(t, &page, "traces", append(pairs, "limit", "200")...)
		require.Len(t, page.Items, count, query)
	}
	wholeTrace(t, ours, theirs, list[0].TraceID)
	aggregates(t, ours)
	otlpOut(t, ours)
	jaegerAnswers(t, ours, list[0])

	// Each answer has something, and nothing that is not to be seen.
	id := list[0].TraceID
	for _, path := range append(jaegerPaths("cart", id), "/api/v2/telemetry/traces", "/api/v2/telemetry/traces/query?groupBy=service", "/api/v2/telemetry/traces/"+id, "/api/v2/telemetry/spans",
		"/api/v2/telemetry/operations?service=cart", "/api/v2/telemetry/service-map", "/api/v2/telemetry/traces/otlp") {
		for range 2 { // the second time as it was remembered
			status, body := ours.visit(t, path)
			require.Equal(t, http.StatusOK, status, "%s %s", path, body)
			require.NotContains(t, body, "secret", path)
			status, body = cart.visit(t, path)
			require.Equal(t, http.StatusOK, status, "%s %s", path, body)
			require.NotContains(t, body, "shop", path)
			require.NotContains(t, body, "secret", path)
			if !strings.Contains(path, "dependencies") && !strings.Contains(path, "operations") {
				require.Contains(t, body, "cart", path)
			}
		}
	}
	shop := list[len(list)-1] // the first that was sent
	require.Equal(t, "shop", shop.RootService)
	for _, path := range []string{"/api/v2/telemetry/traces/", "/jaeger/api/traces/", "/jaeger/api/v3/traces/"} {
		status, _ := cart.visit(t, path+shop.TraceID)
		require.Equal(t, http.StatusNotFound, status)
	}
}

func listAll(t *testing.T, r *reader) (all []listedTrace) {
	t.Helper()
	seen := make(map[string]bool)
	for parameters := []string{"limit", "7"}; ; {
		var page struct {
			Items      []listedTrace
			NextCursor string
		}
		r.read(t, &page, "traces", parameters...)
		for _, one := range page.Items {
			require.False(t, seen[one.TraceID], "once")
			seen[one.TraceID] = true
		}
		all = append(all, page.Items...)
		if page.NextCursor == "" {
			return all
		}
		parameters = []string{"limit", "7", "cursor", page.NextCursor}
	}
}

func wholeTrace(t *testing.T, ours, theirs *reader, id string) {
	t.Helper()
	var trace struct {
		Spans []struct {
			SpanID, ParentSpanID, Name, Kind string
			ParentMissing                    bool
			Attributes                       []struct{ Key, Type string }
		}
		Truncated bool
	}
	ours.read(t, &trace, "traces/"+id)
	require.Len(t, trace.Spans, 2)
	require.Equal(t, trace.Spans[0].SpanID, trace.Spans[1].ParentSpanID)
	require.NotEmpty(t, trace.Spans[0].Attributes)
	require.Eventually(t, func() bool { return ours.read(t, &trace, "traces/"+id).Get("X-Cache") == "HIT" }, stacktest.Patience, stacktest.Often)
	for path, want := range map[string]int{
		"traces/xyz": http.StatusBadRequest, "traces/" + id + "0": http.StatusBadRequest, "traces/" + strings.Repeat("g", 32): http.StatusBadRequest,
		"traces/" + strings.Repeat("0", 31) + "1": http.StatusNotFound,
	} {
		status, _, body := ours.get(t, path, "")
		require.Equal(t, want, status, "%s %s", path, body)
	}
	status, _, _ := theirs.get(t, "traces/"+id, "")
	require.Equal(t, http.StatusNotFound, status)
	for location, parameters := range map[string][]string{
		"query.minDuration": {"minDuration", "fast"}, "query.maxDuration": {"minDuration", "2s", "maxDuration", "1s"}, "query.kind": {"kind", "X"},
		"query.nonsense": {"nonsense", "1"}, "query.q": {"q", "duration>x"}, "query.attributes": {"attributes", "x"}, "query.order": {"order", "x"}, "query.cursor": {"cursor", "forged"},
	} {
		status, _, body := ours.get(t, "traces", "", parameters...)
		require.Equal(t, http.StatusBadRequest, status, body)
		require.Contains(t, body, location)
	}
}

func aggregates(t *testing.T, r *reader) {
	t.Helper()
	var counted struct {
		Groups []struct {
			Values []string
			Points []struct{ Count, Errors uint64 }
		}
	}
	r.read(t, &counted, "traces/query", "groupBy", "service,kind")
	counts := map[string][2]uint64{}
	for _, group := range counted.Groups {
		counts[strings.Join(group.Values, " ")] = [2]uint64{group.Points[0].Count, group.Points[0].Errors}
	}
	require.Equal(t, map[string][2]uint64{"shop CLIENT": {20, 20}, "shop SERVER": {20, 20}, "cart CLIENT": {5, 0}, "cart SERVER": {5, 0}}, counts)
	r.read(t, &counted, "traces/query", "step", "1m", "service", "cart")
	sum := uint64(0)
	for _, point := range counted.Groups[0].Points {
		sum += point.Count
	}
	require.EqualValues(t, 10, sum)
	var spans struct{ Items []struct{ Service string } }
	r.read(t, &spans, "spans", "service", "cart")
	require.Len(t, spans.Items, 10)
	var operations struct {
		Items []struct {
			Name, Kind string
			Count      uint64
		}
	}
	r.read(t, &operations, "operations", "service", "cart")
	require.Len(t, operations.Items, 2)
	var edges struct {
		Edges []struct {
			Caller, Callee, Kind string
			Calls, Errors        uint64
		}
	}
	r.read(t, &edges, "service-map")
	require.Len(t, edges.Edges, 2)
	require.Equal(t, "shop", edges.Edges[1].Callee)
	require.EqualValues(t, 20, edges.Edges[1].Errors)
}

// otlpOut sends what comes out in again, to another tenant, from which it comes out the same.
func otlpOut(t *testing.T, r *reader) {
	t.Helper()
	spans := func(r *reader, accept string) (ptrace.Traces, []byte) {
		status, header, body := r.get(t, "traces/otlp", accept)
		require.Equal(t, http.StatusOK, status, body)
		require.Equal(t, accept, header.Get("Content-Type"))
		if accept == "application/json" {
			td, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces([]byte(body))
			require.NoError(t, err)
			return td, []byte(body)
		}
		td, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces([]byte(body))
		require.NoError(t, err)
		return td, []byte(body)
	}
	_, sent := spans(r, "application/x-protobuf")
	copied := newReader(t, r.stack, "copy")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, fmt.Sprintf("http://127.0.0.1:%d/v1/traces", r.stack.HTTPPort), bytes.NewReader(sent))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/x-protobuf")
	request.Header.Set("X-API-Key-ID", copied.key.ID.String())
	request.Header.Set("X-API-Key-Secret", copied.key.Secret)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Eventually(t, func() bool {
		td, _ := spans(copied, "application/json")
		return td.SpanCount() == 50
	}, stacktest.Patience, stacktest.Often)
	first, _ := spans(r, "application/json")
	_, again := spans(copied, "application/x-protobuf")
	require.Equal(t, 50, first.SpanCount())
	require.Len(t, again, len(sent))
}

// jaegerPaths are what Jaeger UI and Grafana's data source ask for.
func jaegerPaths(service, id string) []string {
	now := time.Now().Add(time.Minute)
	micro := func(t time.Time) string { return strconv.FormatInt(t.UnixMicro(), 10) }
	rfc3339 := func(t time.Time) string { return url.QueryEscape(t.UTC().Format(time.RFC3339Nano)) }
	return []string{
		"/jaeger/api/services", "/jaeger/api/services/" + service + "/operations", "/jaeger/api/operations?service=" + service + "&spanKind=server",
		"/jaeger/api/traces?end=" + micro(now) + "&limit=20&lookback=1h&maxDuration&minDuration&service=" + service + "&start=" + micro(now.Add(-time.Hour)),
		"/jaeger/api/traces?limit=20&operation=lets-go&service=" + service + "&tags=" + url.QueryEscape(`{"span.kind":"client"}`),
		"/jaeger/api/traces?service=" + service + "&tags=" + url.QueryEscape(`span.kind=client`) + "&minDuration=1us&maxDuration=10s&lookback=custom",
		"/jaeger/api/traces?traceID=" + id + "&traceID=" + strings.Repeat("0", 31) + "1",
		"/jaeger/api/traces/" + id, "/jaeger/api/traces/" + id + "?start=" + micro(now.Add(-time.Hour)) + "&end=" + micro(now),
		"/jaeger/api/dependencies?endTs=" + strconv.FormatInt(now.UnixMilli(), 10) + "&lookback=604800000",
		"/jaeger/api/v3/services", "/jaeger/api/v3/operations?service=" + service,
		"/jaeger/api/v3/traces?query.service_name=" + service + "&query.start_time_min=" + rfc3339(now.Add(-time.Hour)) + "&query.start_time_max=" + rfc3339(now) + "&query.num_traces=20",
		"/jaeger/api/v3/traces?query.serviceName=" + service + "&query.startTimeMin=" + rfc3339(now.Add(-time.Hour)) + "&query.startTimeMax=" + rfc3339(now) + "&query.searchDepth=20&query.attributes=" + url.QueryEscape(`{"span.kind":"client"}`),
		"/jaeger/api/v3/traces/" + id,
	}
}

// jaegerAnswers hold the shapes that Jaeger UI and Grafana read (pkg/tsdb/jaeger/types).
func jaegerAnswers(t *testing.T, r *reader, newest listedTrace) {
	t.Helper()
	read := func(path string, into any) {
		status, body := r.visit(t, path)
		require.Equal(t, http.StatusOK, status, "%s %s", path, body)
		require.NoError(t, json.Unmarshal([]byte(body), into), body)
	}
	paths := jaegerPaths("cart", newest.TraceID)
	var names struct {
		Data   []string
		Total  int
		Errors []any
	}
	read(paths[0], &names)
	require.Equal(t, []string{"cart", "shop"}, names.Data)
	require.Equal(t, 2, names.Total)
	read(paths[1], &names)
	require.Equal(t, []string{"lets-go", "okey-dokey-0"}, names.Data)
	var operations struct {
		Data []struct{ Name, SpanKind string }
	}
	read(paths[2], &operations)
	require.Len(t, operations.Data, 1)
	require.Equal(t, "server", operations.Data[0].SpanKind)
	var traces struct {
		Data []struct {
			TraceID string
			Spans   []struct {
				OperationName, ProcessID string
				StartTime, Duration      int64
				References               []struct{ RefType, SpanID string }
			}
			Processes map[string]struct{ ServiceName string }
		}
		Errors []struct{ Msg, TraceID string }
	}
	for i, path := range paths[3:9] {
		read(path, &traces)
		require.Len(t, traces.Data, map[bool]int{true: 5, false: 1}[i < 3], path)
		one := traces.Data[0]
		require.Equal(t, newest.TraceID, one.TraceID, path)
		require.Len(t, one.Spans, 2)
		require.Equal(t, newest.Start.UnixMicro(), one.Spans[0].StartTime)
		require.EqualValues(t, 50_000, one.Spans[0].Duration)
		require.Equal(t, "cart", one.Processes[one.Spans[0].ProcessID].ServiceName)
		require.Equal(t, "CHILD_OF", one.Spans[1].References[0].RefType)
	}
	read(paths[6], &traces)
	require.Equal(t, "trace not found", traces.Errors[0].Msg)
	for _, path := range paths[12:] {
		var wrapped struct{ Result json.RawMessage }
		read(path, &wrapped)
		td, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(wrapped.Result)
		require.NoError(t, err)
		require.NotZero(t, td.SpanCount(), path)
	}
	jaegerErrors(t, r)
}

func jaegerErrors(t *testing.T, r *reader) {
	t.Helper()
	nobody := &reader{stack: r.stack}
	missing := strings.Repeat("0", 31) + "1"
	for path, want := range map[string]int{
		"traces": http.StatusBadRequest, "traces/xyz": http.StatusBadRequest, "traces/" + missing: http.StatusNotFound, "operations": http.StatusBadRequest,
		"traces?service=x&start=soon": http.StatusBadRequest, "traces?service=x&minDuration=5": http.StatusBadRequest, "traces?service=x&tags={": http.StatusBadRequest,
		"traces?service=x&limit=0": http.StatusBadRequest, "traces?traceID=xyz": http.StatusBadRequest, "dependencies?lookback=x": http.StatusBadRequest,
	} {
		var answer struct {
			Data   any
			Errors []struct {
				Code int
				Msg  string
			}
		}
		status, body := r.visit(t, "/jaeger/api/"+path)
		require.Equal(t, want, status, path)
		require.NoError(t, json.Unmarshal([]byte(body), &answer))
		require.Nil(t, answer.Data)
		require.Equal(t, want, answer.Errors[0].Code, path)
		require.NotEmpty(t, answer.Errors[0].Msg)
		status, body = nobody.visit(t, "/jaeger/api/"+path)
		require.Equal(t, http.StatusUnauthorized, status)
		require.Contains(t, body, `"errors":[{"code":401`)
	}
	for path, want := range map[string]int{"traces/" + missing: http.StatusNotFound, "traces": http.StatusBadRequest, "operations": http.StatusBadRequest} {
		status, body := r.visit(t, "/jaeger/api/v3/"+path)
		require.Equal(t, want, status, path)
		require.Contains(t, body, fmt.Sprintf(`"error":{"httpCode":%d,"message":`, want))
	}
}
