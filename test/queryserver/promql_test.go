//go:build linux

package queryserver

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/telemetryflow/telemetryflow/internal/bootstrap"
	"github.com/telemetryflow/telemetryflow/internal/localstack/stacktest"
	"github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
	"github.com/telemetryflow/telemetryflow/internal/testkit/telemetrytest"
)

// viewer is the role Viewer, which migrations make.
const viewer = "00000000-0000-8000-8000-000000000004"

// prometheus is a query server with metrics, and a service account's token as Grafana
// would have it.
type prometheus struct {
	*server
	token string
	of    tenant.Scope
	rows  *telemetrytest.World
}

func startPrometheus(t *testing.T) *prometheus {
	t.Helper()
	p := &prometheus{server: &server{database: testkit.Postgres(t), redis: testkit.Redis(t)}, rows: telemetrytest.New(t)}
	pool, err := postgres.Open(p.database.AppURL, postgres.App)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	organization, err := bootstrap.CreateOrganization(t.Context(), pool, "acme")
	require.NoError(t, err)
	p.of.Workspace, err = bootstrap.CreateWorkspace(t.Context(), pool, organization, "production")
	require.NoError(t, err)
	p.of.Tenant, err = bootstrap.CreateTenant(t.Context(), pool, organization, p.of.Workspace, "shop")
	require.NoError(t, err)
	p.create(t, email, "Owner")
	p.runWith(t, p.rows.Database.URL)
	p.token = p.serviceToken(t)
	return p
}

// runWith runs the server with a ClickHouse.
func (p *prometheus) runWith(t *testing.T, clickhouse string) {
	t.Helper()
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	listen, admin := stacktest.FreeAddress(t), stacktest.FreeAddress(t)
	p.cert = stacktest.NewCertificate(t)
	p.url, p.admin = "https://"+listen, "http://"+admin
	p.Process = stacktest.Run(t, stacktest.Program(t, "telemetryflow"), []string{
		"TELEMETRYFLOW_POSTGRES_URL=" + p.database.AppURL, "TELEMETRYFLOW_REDIS_URL=" + p.redis.URL, "TELEMETRYFLOW_CLICKHOUSE_URL=" + clickhouse,
		"TELEMETRYFLOW_MASTER_KEY=" + base64.StdEncoding.EncodeToString(key),
		"TELEMETRYFLOW_TLS_CERT_FILE=" + p.cert.CertFile, "TELEMETRYFLOW_TLS_KEY_FILE=" + p.cert.KeyFile,
		"TELEMETRYFLOW_QUERY_LISTEN=" + listen, "TELEMETRYFLOW_QUERY_ADMIN=" + admin,
	}, "queryserver", "--config", stacktest.Config(t, "queryserver.yaml"))
	p.AwaitOK(t, p.admin+"/readyz")
}

func (p *prometheus) serviceToken(t *testing.T) string {
	t.Helper()
	c := p.login(t, email)
	var account struct{ ID string }
	status, _ := c.ask(t, http.MethodPost, "/api/v2/service-accounts", map[string]any{
		"name": "grafana", "roles": []map[string]any{{"roleId": viewer, "tenantId": p.of.Tenant}},
	}, &account)
	require.Equal(t, http.StatusCreated, status)
	var made struct{ Token string }
	status, _ = c.ask(t, http.MethodPost, "/api/v2/service-accounts/"+account.ID+"/tokens", map[string]any{"name": "dashboards"}, &made)
	require.Equal(t, http.StatusCreated, status)
	return made.Token
}

// promAnswer is Prometheus' body.
type promAnswer struct {
	Status, ErrorType, Error string
	Data                     json.RawMessage
	Warnings, Infos          []string
	code                     int
	header                   http.Header
}

// send sends a request as Grafana's data source does: a form, or parameters in the URL.
func (p *prometheus) send(t *testing.T, method, path string, form url.Values) promAnswer {
	t.Helper()
	target, body := p.url+"/prometheus/api/v1/"+path, io.Reader(http.NoBody)
	if method == http.MethodPost {
		body = strings.NewReader(form.Encode())
	} else if len(form) > 0 {
		target += "?" + form.Encode()
	}
	request, err := http.NewRequestWithContext(t.Context(), method, target, body)
	require.NoError(t, err)
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if p.token != "" {
		request.Header.Set("Authorization", "Bearer "+p.token)
	}
	response, err := p.cert.Client().Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	t.Logf("%s %s %s: %d %.300s", method, path, form.Encode(), response.StatusCode, text)
	answer := promAnswer{code: response.StatusCode, header: response.Header}
	require.NoError(t, json.Unmarshal(text, &answer), "%s", text)
	require.Equal(t, "application/json", response.Header.Get("Content-Type"))
	return answer
}

// minute is the last one that has ended.
var minute = time.Now().UTC().Truncate(time.Minute)

// requests are a counter and a histogram of the last ten minutes, every 15 s.
func requests() pmetric.Metrics {
	md := pmetric.NewMetrics()
	r := md.ResourceMetrics().AppendEmpty()
	for key, value := range map[string]string{"service.name": "checkout", "service.namespace": "shop", "service.instance.id": "a1", "host.name": "h"} {
		r.Resource().Attributes().PutStr(key, value)
	}
	metrics := r.ScopeMetrics().AppendEmpty().Metrics()
	counter, histogram := metrics.AppendEmpty(), metrics.AppendEmpty()
	counter.SetName("http.server.requests")
	counter.SetUnit("{request}")
	counter.SetDescription("Requests served.")
	sum := counter.SetEmptySum()
	sum.SetIsMonotonic(true)
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	histogram.SetName("http.server.request.duration")
	histogram.SetUnit("s")
	h := histogram.SetEmptyHistogram()
	h.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	for i := range 40 {
		at := pcommon.NewTimestampFromTime(minute.Add(time.Duration(i-40) * 15 * time.Second))
		p := sum.DataPoints().AppendEmpty()
		p.SetTimestamp(at)
		p.SetIntValue(int64(1000 + 30*i))
		p.Attributes().PutStr("http.response.status_code", "200")
		e := p.Exemplars().AppendEmpty()
		e.SetTimestamp(at)
		e.SetDoubleValue(1)
		e.SetTraceID(pcommon.TraceID{1, 2, 3})
		b := h.DataPoints().AppendEmpty()
		b.SetTimestamp(at)
		b.ExplicitBounds().FromRaw([]float64{0.1, 1})
		b.BucketCounts().FromRaw([]uint64{uint64(10 * i), uint64(5 * i), uint64(i)})
		b.SetCount(uint64(16 * i))
		b.SetSum(float64(i))
	}
	return md
}

// The requests that Grafana's Prometheus data source sends, and the shapes that it reads.
func TestPromQL_Grafana(t *testing.T) {
	t.Parallel()
	p := startPrometheus(t)
	p.rows.Metrics(t, p.of, requests())
	from, to := strconv.FormatInt(minute.Add(-5*time.Minute).Unix(), 10), strconv.FormatInt(minute.Unix(), 10)

	got := p.send(t, http.MethodGet, "status/buildinfo", nil)
	require.Equal(t, "success", got.Status)
	require.Contains(t, string(got.Data), `"version":"3.`)

	// "Save & test" asks 1+1.
	got = p.send(t, http.MethodPost, "query", url.Values{"query": {"1+1"}, "time": {to}})
	require.JSONEq(t, `{"resultType":"scalar","result":[`+to+`,"2"]}`, string(got.Data))

	rate := url.Values{"query": {`sum by (http_response_status_code) (rate(http_server_requests_total{job="shop/checkout",instance="a1"}[1m]))`}, "start": {from}, "end": {to}, "step": {"60"}}
	got = p.send(t, http.MethodPost, "query_range", rate)
	require.Equal(t, http.StatusOK, got.code)
	require.Equal(t, "MISS", got.header.Get("X-Cache"))
	var matrix struct {
		ResultType string
		Result     []struct {
			Metric map[string]string
			Values [][2]any
		}
	}
	require.NoError(t, json.Unmarshal(got.Data, &matrix))
	require.Equal(t, "matrix", matrix.ResultType)
	require.Len(t, matrix.Result, 1)
	require.Equal(t, map[string]string{"http_response_status_code": "200"}, matrix.Result[0].Metric)
	require.Len(t, matrix.Result[0].Values, 6)
	value, err := strconv.ParseFloat(matrix.Result[0].Values[1][1].(string), 64)
	require.NoError(t, err)
	require.InEpsilon(t, 2, value, 1e-9)
	require.Equal(t, "HIT", p.send(t, http.MethodPost, "query_range", rate).header.Get("X-Cache"))

	got = p.send(t, http.MethodPost, "query", url.Values{"query": {`histogram_quantile(0.5, sum by (le) (rate(http_server_request_duration_seconds_bucket[5m])))`}, "time": {to}})
	require.Contains(t, string(got.Data), `"resultType":"vector"`)
	require.Contains(t, string(got.Data), `"value":[`+to+`,"0.08`)

	match := url.Values{"match[]": {`{__name__="http_server_requests_total"}`, `{__name__="target_info"}`}, "start": {from}, "end": {to}}
	got = p.send(t, http.MethodPost, "labels", match)
	require.JSONEq(t, `["__name__","host_name","http_response_status_code","instance","job"]`, string(got.Data))
	got = p.send(t, http.MethodGet, "label/__name__/values", url.Values{"start": {from}, "end": {to}})
	require.JSONEq(t, `["http_server_request_duration_seconds_bucket","http_server_request_duration_seconds_count","http_server_request_duration_seconds_sum","http_server_requests_total","target_info"]`, string(got.Data))
	got = p.send(t, http.MethodGet, "label/job/values", match)
	require.JSONEq(t, `["shop/checkout"]`, string(got.Data))
	got = p.send(t, http.MethodGet, "label/le/values", url.Values{"match[]": {"http_server_request_duration_seconds_bucket"}, "start": {from}, "end": {to}, "limit": {"2"}})
	require.JSONEq(t, `["+Inf","0.1"]`, string(got.Data))
	require.Equal(t, []string{"results truncated due to limit"}, got.Warnings)
	got = p.send(t, http.MethodPost, "series", match)
	require.Contains(t, string(got.Data), `"__name__":"target_info"`)

	got = p.send(t, http.MethodGet, "metadata", url.Values{"metric": {"http_server_requests_total"}})
	require.JSONEq(t, `{"http_server_requests_total":[{"type":"counter","help":"Requests served.","unit":"{request}"}]}`, string(got.Data))
	got = p.send(t, http.MethodPost, "query_exemplars", url.Values{"query": {"http_server_requests_total"}, "start": {from}, "end": {to}})
	require.Contains(t, string(got.Data), `"trace_id":"01020300000000000000000000000000"`)
	got = p.send(t, http.MethodGet, "format_query", url.Values{"query": {"sum(  up )"}})
	require.JSONEq(t, `"sum(up)"`, string(got.Data))

	for name, c := range map[string]struct {
		form url.Values
		code int
		kind string
	}{
		"syntax":     {url.Values{"query": {"sum("}}, http.StatusBadRequest, "bad_data"},
		"regex":      {url.Values{"query": {`up{a=~"("}`}}, http.StatusBadRequest, "bad_data"},
		"time":       {url.Values{"query": {"up"}, "time": {"noon"}}, http.StatusBadRequest, "bad_data"},
		"execution":  {url.Values{"query": {`label_replace(http_server_requests_total, "a", "b", "c", "(")`}}, http.StatusUnprocessableEntity, "execution"},
		"too much":   {url.Values{"query": {"up[30y]"}}, http.StatusBadRequest, "bad_data"},
		"timeout":    {url.Values{"query": {"http_server_requests_total"}, "timeout": {"0.000000001"}}, http.StatusServiceUnavailable, "timeout"},
		"long regex": {url.Values{"query": {fmt.Sprintf(`up{a=~%q}`, strings.Repeat("a", 5000))}}, http.StatusBadRequest, "bad_data"},
	} {
		got = p.send(t, http.MethodPost, "query", c.form)
		require.Equal(t, c.code, got.code, name)
		require.Equal(t, []string{"error", c.kind}, []string{got.Status, got.ErrorType}, name)
		require.NotEmpty(t, got.Error, name)
	}
	got = p.send(t, http.MethodPost, "query_range", url.Values{"query": {"up"}, "start": {"0"}, "end": {to}, "step": {"1"}})
	require.Equal(t, http.StatusBadRequest, got.code)
	require.Contains(t, got.Error, "exceeded maximum resolution of 11000 points")
	p.token = ""
	got = p.send(t, http.MethodGet, "query", url.Values{"query": {"up"}})
	require.Equal(t, http.StatusUnauthorized, got.code)
	require.Equal(t, "unauthorized", got.ErrorType)
}
