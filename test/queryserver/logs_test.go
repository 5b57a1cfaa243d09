//go:build linux

package queryserver

import (
	"bufio"
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
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/apikey/keyadmin"
	"github.com/telemetryflow/telemetryflow/internal/bootstrap"
	"github.com/telemetryflow/telemetryflow/internal/localstack/stacktest"
	"github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// reader asks the query server of a stack as a user of an organization with one tenant.
type reader struct {
	stack  *stacktest.Stack
	key    apikey.Credential // writes
	bearer string            // reads
}

// get asks, with parameters in pairs, and reads the answer.
func (r *reader) get(t *testing.T, path, accept string, parameters ...string) (status int, header http.Header, body string) {
	t.Helper()
	query := url.Values{}
	for i := 0; i < len(parameters); i += 2 {
		query.Set(parameters[i], parameters[i+1])
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.stack.API+"/api/v2/telemetry/"+path+"?"+query.Encode(), nil)
	require.NoError(t, err)
	if accept != "" {
		request.Header.Set("Accept", accept)
	}
	if r.bearer != "" {
		request.Header.Set("Authorization", "Bearer "+r.bearer)
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, response.Header, string(text)
}

// read is get of an answer of JSON.
func (r *reader) read(t *testing.T, into any, path string, parameters ...string) http.Header {
	t.Helper()
	status, header, body := r.get(t, path, "", parameters...)
	require.Equal(t, http.StatusOK, status, "%s: %s", path, body)
	require.NoError(t, json.Unmarshal([]byte(body), into), body)
	return header
}

// newReader makes an organization with a tenant, a key and a user.
func newReader(t *testing.T, stack *stacktest.Stack, name string) *reader {
	t.Helper()
	pool, err := postgres.Open(stack.State.AppURL(), postgres.App)
	require.NoError(t, err)
	defer pool.Close()
	organization, err := bootstrap.CreateOrganization(t.Context(), pool, name)
	require.NoError(t, err)
	workspace, err := bootstrap.CreateWorkspace(t.Context(), pool, organization, "production")
	require.NoError(t, err)
	binding, err := bootstrap.CreateTenant(t.Context(), pool, organization, workspace, "shop")
	require.NoError(t, err)
	r := &reader{stack: stack}
	_, r.key, err = keyadmin.New(pool, "test").Create(t.Context(), keyadmin.NewKey{
		Name: name, Kind: keyadmin.Tenant, Binding: binding, Permissions: []tenant.Permission{tenant.MetricsWrite, tenant.LogsWrite, tenant.TracesWrite},
	})
	require.NoError(t, err)
	command := exec.CommandContext(t.Context(), stacktest.Program(t, "telemetryflow"),
		"user", "create", name+"@example.com", "--organization", name, "--role", "Viewer", "--postgres-url", stack.State.AppURL())
	command.Env, command.Stdin = os.Environ(), strings.NewReader(secret+"\n")
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%s", output)
	var got session
	c := &client{Client: http.DefaultClient, base: stack.API}
	status, _ := c.ask(t, http.MethodPost, "/api/v2/auth/login", map[string]any{"email": name + "@example.com", "password": secret}, &got)
	require.Equal(t, http.StatusOK, status)
	r.bearer = got.AccessToken
	return r
}

// generate sends log records by telemetrygen and waits until they are stored.
func (r *reader) generate(t *testing.T, service string, count int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience)
	defer cancel()
	output, err := exec.CommandContext(ctx, filepath.Join(stacktest.Root(t), "bin", "tools", "telemetrygen"),
		"logs", "--logs", strconv.Itoa(count), "--rate", "0", "--workers", "1", "--otlp-insecure", "--service", service, "--body", "canary of "+service,
		"--severity-number", "17", "--severity-text", "Error", "--trace-id", "0102030405060708090a0b0c0d0e0f10",
		"--telemetry-attributes", `order="o1"`, "--otlp-endpoint", "127.0.0.1:"+strconv.Itoa(r.stack.GRPCPort),
		"--otlp-header", fmt.Sprintf("X-API-Key-ID=%q", r.key.ID), "--otlp-header", fmt.Sprintf("X-API-Key-Secret=%q", r.key.Secret)).CombinedOutput()
	require.NoError(t, err, "%s", output)
	r.stack.AwaitQuery(t, strconv.Itoa(count), "SELECT count() FROM logs_v3 WHERE service_name = '%s'", service)
}

type listedLog struct {
	Timestamp    time.Time
	IngestID     string
	Service      string
	SeverityText string
	TraceID      string
	Body         struct{ Type, Value string }
	Attributes   []struct {
		Key, Type string
		Value     any
	}
}

// What telemetrygen sent through a collector comes back complete by every way out, and
// nothing of another tenant does.
func TestLogs(t *testing.T) {
	t.Parallel()
	const count = 300
	stack := stacktest.Start(t)
	ours, theirs, nobody := newReader(t, stack, "ours"), newReader(t, stack, "theirs"), &reader{stack: stack}
	ours.generate(t, "shop", count)
	theirs.generate(t, "secret", count)

	seen := make(map[string]bool)
	for cursor := ""; ; {
		var page struct {
			Items      []listedLog
			NextCursor string
		}
		parameters := []string{"limit", "70", "q", `level>=error "canary of"`, "service", "shop"}
		if cursor != "" {
			parameters = append(parameters, "cursor", cursor)
		}
		ours.read(t, &page, "logs", parameters...)
		for _, r := range page.Items {
			require.False(t, seen[r.IngestID], "once")
			seen[r.IngestID] = true
			require.Equal(t, "canary of shop", r.Body.Value)
			require.Equal(t, "0102030405060708090a0b0c0d0e0f10", r.TraceID)
			require.Contains(t, fmt.Sprint(r.Attributes), "order string o1")
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
		status, _, body := theirs.get(t, "logs", "", "limit", "70", "q", `level>=error "canary of"`, "service", "shop", "cursor", cursor)
		require.Equal(t, http.StatusBadRequest, status, "another's cursor: %s", body)
	}
	require.Len(t, seen, count)

	var counted struct {
		Total   uint64
		Step    string
		Buckets []struct{ Counts map[string]uint64 }
		Groups  []struct {
			Values []string
			Count  uint64
		}
	}
	ours.read(t, &counted, "logs/query")
	require.Equal(t, uint64(count), counted.Total)
	require.Equal(t, "1m0s", counted.Step)
	sum := uint64(0)
	for _, bucket := range counted.Buckets {
		sum += bucket.Counts["error"]
	}
	require.Equal(t, uint64(count), sum)
	ours.read(t, &counted, "logs/query", "aggregate", "count", "by", "service,order", "attributes", "order=o1")
	require.Equal(t, []string{"shop", "o1"}, counted.Groups[0].Values)
	require.Equal(t, uint64(count), counted.Groups[0].Count)

	var values struct{ Items []struct{ Value string } }
	ours.read(t, &values, "logs/fields/values", "field", "service")
	require.Len(t, values.Items, 1)
	require.Equal(t, "shop", values.Items[0].Value)
	_, _, fields := ours.get(t, "logs/fields", "")
	require.Contains(t, fields, `{"name":"order","in":"attributes","count":300}`)

	var page struct{ Items []listedLog }
	at := []string{"traceId", "0102030405060708090a0b0c0d0e0f10", "limit", "1", "order", "oldest", "to", time.Now().Add(time.Minute).UTC().Format(time.RFC3339)}
	header := ours.read(t, &page, "logs", at...)
	require.Equal(t, "MISS", header.Get("X-Cache"))
	require.Equal(t, "HIT", ours.read(t, &page, "logs", at...).Get("X-Cache"))
	around := []string{"timestamp", page.Items[0].Timestamp.Format(time.RFC3339Nano), "ingestId", page.Items[0].IngestID}
	var context struct{ Before, After []listedLog }
	ours.read(t, &context, "logs/context", around...)
	require.Empty(t, context.Before)
	require.Len(t, context.After, 10)
	status, _, _ := theirs.get(t, "logs/context", "", around...)
	require.Equal(t, http.StatusNotFound, status)

	status, header, body := ours.get(t, "logs/export", "")
	require.Equal(t, http.StatusOK, status, body)
	require.Equal(t, "application/x-ndjson", header.Get("Content-Type"))
	lines := 0
	for scan := bufio.NewScanner(strings.NewReader(body)); scan.Scan(); lines++ {
		require.Contains(t, scan.Text(), "canary of shop")
	}
	require.Equal(t, count, lines)
	_, header, body = ours.get(t, "logs/otlp", "")
	require.Equal(t, "application/json", header.Get("Content-Type"))
	ld, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs([]byte(body))
	require.NoError(t, err)
	require.Equal(t, count, ld.LogRecordCount())
	_, header, body = ours.get(t, "logs/otlp", "application/x-protobuf")
	require.Equal(t, "application/x-protobuf", header.Get("Content-Type"))
	ld, err = (&plog.ProtoUnmarshaler{}).UnmarshalLogs([]byte(body))
	require.NoError(t, err)
	require.Equal(t, count, ld.LogRecordCount())

	for path, has := range map[string]string{"logs": "shop", "logs/query": "error", "logs/fields": "order", "logs/export": "shop", "logs/otlp": "shop"} {
		_, _, body := ours.get(t, path, "")
		require.Contains(t, body, has, path)
		require.NotContains(t, body, "secret", path)
		status, _, _ := nobody.get(t, path, "")
		require.Equal(t, http.StatusUnauthorized, status, path)
	}
	badInput(t, ours)
}

// badInput is refused with the name of what is wrong, and never with the engine's words.
func badInput(t *testing.T, r *reader) {
	t.Helper()
	for _, c := range []struct {
		path       string
		parameters []string
		location   string
		says       string
	}{
		{"logs", []string{"nonsense", "1"}, "query.nonsense", ""},
		{"logs", []string{"q", "a AND"}, "query.q", "at character 6, found the end"},
		{"logs", []string{"q", `x=~"(?=a)"`}, "query.q", "RE2"},
		{"logs", []string{"q", strings.Repeat("(", 30)}, "query.q", "levels"},
		{"logs", []string{"q", strings.Repeat("a", 5000)}, "query.q", ""},
		{"logs", []string{"q", "level>loud"}, "query.q", "trace, debug"},
		{"logs", []string{"q", "trace_id:12"}, "query.q", "hexadecimal"},
		{"logs", []string{"limit", "201"}, "query.limit", ""},
		{"logs", []string{"limit", "0"}, "query.limit", ""},
		{"logs", []string{"from", "2020-01-01T00:00:00Z"}, "query.from", "400 days"},
		{"logs", []string{"from", "2126-01-01T00:00:00Z"}, "query.from", "before"},
		{"logs", []string{"from", "yesterday"}, "query.from", ""},
		{"logs", []string{"cursor", "forged"}, "query.cursor", "not of this list"},
		{"logs", []string{"traceId", "xyz"}, "query.traceId", ""},
		{"logs", []string{"attributes", "a"}, "query.attributes", "key=value"},
		{"logs", []string{"order", "random"}, "query.order", ""},
		{"logs/query", []string{"step", "1ms"}, "query.step", "seconds"},
		{"logs/query", []string{"step", "1s"}, "query.step", "at least 4s"},
		{"logs/query", []string{"step", "x"}, "query.step", "duration"},
		{"logs/query", []string{"aggregate", "count", "by", "a,b,c,d"}, "query.by", "3 fields"},
		{"logs/query", []string{"limit", "51"}, "query.limit", "50"},
		{"logs/fields/values", nil, "query.field", "required"},
		{"logs/context", []string{"timestamp", "2026-01-01T00:00:00Z", "ingestId", "99999999999999999999"}, "query.ingestId", ""},
		{"logs/export", []string{"q", "("}, "query.q", ""},
		{"logs/otlp", []string{"q", "("}, "query.q", ""},
	} {
		status, _, body := r.get(t, c.path, "", c.parameters...)
		require.Equal(t, http.StatusBadRequest, status, "%s %.100s: %s", c.path, c.parameters, body)
		var problem struct {
			Errors []struct{ Location, Message string }
		}
		require.NoError(t, json.Unmarshal([]byte(body), &problem))
		require.NotEmpty(t, problem.Errors, body)
		require.Equal(t, c.location, problem.Errors[0].Location, body)
		require.Contains(t, problem.Errors[0].Message, c.says, body)
		require.NotContains(t, body, "DB::", body)
	}
	status, _, _ := r.get(t, "logs/otlp", "text/html")
	require.Equal(t, http.StatusNotAcceptable, status)
}
