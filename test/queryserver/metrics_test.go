//go:build linux

package queryserver

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/telemetryflow/telemetryflow/internal/localstack/stacktest"
)

// generateMetrics sends data points by telemetrygen and waits until they are stored.
func (r *reader) generateMetrics(t *testing.T, service, kind, relation string, count int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience)
	defer cancel()
	output, err := exec.CommandContext(ctx, filepath.Join(stacktest.Root(t), "bin", "tools", "telemetrygen"),
		"metrics", "--metrics", strconv.Itoa(count), "--metric-type", kind, "--rate", "0", "--workers", "1", "--otlp-insecure", "--service", service,
		"--otlp-metric-name", "gen."+kind, "--telemetry-attributes", `order="o1"`, "--otlp-endpoint", "127.0.0.1:"+strconv.Itoa(r.stack.GRPCPort),
		"--otlp-header", fmt.Sprintf("X-API-Key-ID=%q", r.key.ID), "--otlp-header", fmt.Sprintf("X-API-Key-Secret=%q", r.key.Secret)).CombinedOutput()
	require.NoError(t, err, "%s", output)
	r.stack.AwaitQuery(t, strconv.Itoa(count), "SELECT count() FROM %s WHERE service_name = '%s' AND metric_name = 'gen.%s'", relation, service, kind)
}

// instrument sends metrics by the Go SDK and waits until they are stored.
func (r *reader) instrument(t *testing.T, service string) {
	t.Helper()
	exporter, err := otlpmetrichttp.New(t.Context(), otlpmetrichttp.WithEndpointURL(r.stack.HTTP+"/v1/metrics"),
		otlpmetrichttp.WithHeaders(map[string]string{"X-API-Key-ID": r.key.ID.String(), "X-API-Key-Secret": r.key.Secret}))
	require.NoError(t, err)
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewPeriodicReader(exporter, sdkmetric.WithInterval(time.Hour))),
		sdkmetric.WithResource(resource.NewSchemaless(attribute.String("service.name", service), attribute.String("host.name", "h1"))))
	meter := provider.Meter("sdk", metric.WithInstrumentationVersion("1.2.3"))
	orders, err := meter.Int64Counter("orders", metric.WithUnit("{order}"), metric.WithDescription("orders that were placed"))
	require.NoError(t, err)
	orders.Add(t.Context(), 1<<53+1, metric.WithAttributes(attribute.String("region", "eu")))
	latency, err := meter.Float64Histogram("latency", metric.WithUnit("s"), metric.WithExplicitBucketBoundaries(1, 2, 4))
	require.NoError(t, err)
	for _, v := range []float64{0.5, 1.5, 3, 3} {
		latency.Record(t.Context(), v)
	}
	require.NoError(t, provider.Shutdown(t.Context()))
	r.stack.AwaitQuery(t, "1", "SELECT count() FROM metrics_v3 WHERE service_name = '%s'", service)
	r.stack.AwaitQuery(t, "1", "SELECT count() FROM metric_histograms WHERE service_name = '%s'", service)
}

type metricAnswer struct {
	Series []struct {
		Labels map[string]string
		Points []struct{ Value float64 }
	}
}

// total adds up the points of the one series.
func (a metricAnswer) total(t *testing.T) (sum float64) {
	t.Helper()
	require.Len(t, a.Series, 1)
	for _, p := range a.Series[0].Points {
		sum += p.Value
	}
	return sum
}

// What telemetrygen and the Go SDK sent through a collector comes back complete and equal
// by every way out, and nothing of another tenant does.
func TestMetrics(t *testing.T) {
	t.Parallel()
	const count = 120
	stack := stacktest.Start(t)
	ours, theirs, nobody := newReader(t, stack, "ours"), newReader(t, stack, "theirs"), &reader{stack: stack}
	from := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
	ours.generateMetrics(t, "shop", "Gauge", "metrics_v3", count)
	ours.generateMetrics(t, "shop", "Sum", "metrics_v3", count)
	ours.generateMetrics(t, "shop", "Histogram", "metric_histograms", count)
	ours.generateMetrics(t, "shop", "ExponentialHistogram", "metric_histograms", count)
	theirs.generateMetrics(t, "secret", "Gauge", "metrics_v3", count)
	ours.instrument(t, "checkout")
	now := []string{"from", from, "to", time.Now().Add(time.Minute).UTC().Format(time.RFC3339)}
	with := func(parameters ...string) []string { return append(parameters, now...) }

	points := 0
	for cursor := ""; ; {
		var page struct {
			Items      []struct{ Series struct{ Service string } }
			NextCursor string
		}
		parameters := with("limit", "70", "metric", "gen.Gauge,gen.Histogram", "match", "attributes.order=o1")
		if cursor != "" {
			parameters = append(parameters, "cursor", cursor)
		}
		ours.read(t, &page, "metrics", parameters...)
		for _, p := range page.Items {
			require.Equal(t, "shop", p.Series.Service)
		}
		points += len(page.Items)
		if cursor = page.NextCursor; cursor == "" {
			break
		}
		status, _, body := theirs.get(t, "metrics", "", append(parameters[:len(parameters):len(parameters)], "cursor", cursor)...)
		require.Equal(t, http.StatusBadRequest, status, "another's cursor: %s", body)
	}
	require.Equal(t, 2*count, points)
	_, _, body := ours.get(t, "metrics", "", with("metric", "orders")...)
	require.Contains(t, body, `"asInt":"9007199254740993"`)
	require.Contains(t, body, `"resource":{"host.name":"h1","service.name":"checkout"}`)

	ours.aggregates(t, now, count)
	ours.lists(t, now)
	ours.exportsAndReturns(t, theirs, now)
	for _, path := range []string{"metrics", "metrics/query", "metrics/names", "metrics/labels", "metrics/labels/values", "metrics/series", "metrics/exemplars", "metrics/otlp"} {
		parameters := with()
		if path == "metrics/labels/values" {
			parameters = with("label", "service")
		}
		status, _, body := ours.get(t, path, "", parameters...)
		require.Equal(t, http.StatusOK, status, "%s: %s", path, body)
		require.NotContains(t, body, "secret", path)
		status, _, _ = nobody.get(t, path, "", parameters...)
		require.Equal(t, http.StatusUnauthorized, status, path)
	}
	ours.refusesBadMetrics(t, now)
}

// aggregates asks by GET and by POST, and the cache.
func (r *reader) aggregates(t *testing.T, now []string, count float64) {
	t.Helper()
	var answer metricAnswer
	counts := append([]string{"metric", "gen.Gauge", "aggregation", "count", "groupBy", "service", "step", "3600"}, now...)
	require.Equal(t, "MISS", r.read(t, &answer, "metrics/query", counts...).Get("X-Cache"))
	require.Equal(t, map[string]string{"service": "shop"}, answer.Series[0].Labels)
	require.InDelta(t, count, answer.total(t), 0)
	require.Equal(t, "HIT", r.read(t, &answer, "metrics/query", counts...).Get("X-Cache"))
	answer = metricAnswer{}
	r.read(t, &answer, "metrics/query", append([]string{"metric", "latency", "aggregation", "quantile", "quantile", "0.5", "instant", "true"}, now...)...)
	require.InDelta(t, 2, answer.total(t), 1e-9)
	answer = metricAnswer{}
	c := &client{Client: http.DefaultClient, base: r.stack.API, bearer: r.bearer}
	status, _ := c.ask(t, http.MethodPost, "/api/v2/telemetry/metrics/query", map[string]any{
		"metrics": []string{"orders"}, "aggregation": "last", "from": now[1], "to": now[3], "instant": true, "groupBy": []string{"attributes.region", "resource.host.name"},
		"match": []map[string]any{{"label": "attributes.region", "operator": "regex", "values": []string{"e.|us"}}},
	}, &answer)
	require.Equal(t, http.StatusOK, status)
	require.InDelta(t, float64(1<<53), answer.total(t), 0)
	require.Equal(t, map[string]string{"attributes.region": "eu", "resource.host.name": "h1"}, answer.Series[0].Labels)
}

func (r *reader) lists(t *testing.T, now []string) {
	t.Helper()
	var names struct {
		Items []struct{ Name, Kind, Unit, Description string }
	}
	r.read(t, &names, "metrics/names", now...)
	found := make(map[string]string)
	for _, n := range names.Items {
		found[n.Name] = n.Kind
		if n.Name == "orders" {
			require.Equal(t, "{order} orders that were placed", n.Unit+" "+n.Description)
		}
	}
	require.Equal(t, map[string]string{
		"gen.Gauge": "gauge", "gen.Sum": "sum", "gen.Histogram": "histogram", "gen.ExponentialHistogram": "exponential_histogram", "orders": "sum", "latency": "histogram",
	}, found)
	for path, want := range map[string]string{
		"metrics/labels?metric=orders&prefix=attributes.": `{"name":"attributes.region","series":1}`,
		"metrics/labels/values?label=attributes.region":   `{"name":"eu","series":1}`,
		"metrics/series?metric=orders":                    `"scope":"sdk"`,
	} {
		var body json.RawMessage
		c := &client{Client: http.DefaultClient, base: r.stack.API, bearer: r.bearer}
		status, _ := c.ask(t, http.MethodGet, "/api/v2/telemetry/"+path, nil, &body)
		require.Equal(t, http.StatusOK, status)
		require.Contains(t, string(body), want)
	}
}

// exportsAndReturns exports as OTLP in both forms, sends it to another tenant, and gets the
// same from there.
func (r *reader) exportsAndReturns(t *testing.T, other *reader, now []string) {
	t.Helper()
	of := append([]string{"metric", "orders,latency,gen.Sum,gen.Histogram"}, now...)
	_, header, body := r.get(t, "metrics/otlp", "application/x-protobuf", of...)
	require.Equal(t, "application/x-protobuf", header.Get("Content-Type"))
	md, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics([]byte(body))
	require.NoError(t, err)
	require.Equal(t, 242, md.DataPointCount())
	_, _, text := r.get(t, "metrics/otlp", "application/json", of...)
	fromJSON, err := (&pmetric.JSONUnmarshaler{}).UnmarshalMetrics([]byte(text))
	require.NoError(t, err)
	require.Equal(t, md, fromJSON)

	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.stack.HTTP+"/v1/metrics", bytes.NewReader([]byte(body)))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/x-protobuf")
	request.Header.Set("X-API-Key-ID", other.key.ID.String())
	request.Header.Set("X-API-Key-Secret", other.key.Secret)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Eventually(t, func() bool {
		_, _, again := other.get(t, "metrics/otlp", "application/json", of...)
		back, err := (&pmetric.JSONUnmarshaler{}).UnmarshalMetrics([]byte(again))
		return err == nil && back.DataPointCount() == md.DataPointCount() && len(again) == len(text)
	}, stacktest.Patience, stacktest.Often)
}

// refusesBadMetrics sends what cannot be answered: 400, and the name of the field.
func (r *reader) refusesBadMetrics(t *testing.T, now []string) {
	t.Helper()
	for _, bad := range [][3]string{
		{"metrics/query", "aggregation", "median"}, {"metrics/query", "step", "1"}, {"metrics/query", "step", "-1"}, {"metrics/query", "quantile", "2"},
		{"metrics/query", "groupBy", "host"}, {"metrics/query", "match", "attributes.a=~("}, {"metrics/query", "match", "attributes.a"}, {"metrics/query", "limit", "501"},
		{"metrics", "match", "attributes.a=~(?=b)"}, {"metrics", "limit", "0"}, {"metrics", "cursor", "e30"}, {"metrics", "from", "yesterday"}, {"metrics", "unknown", "1"},
		{"metrics/labels/values", "label", "x"}, {"metrics/names", "prefix", string(bytes.Repeat([]byte("x"), 201))},
		{"metrics/series", "from", time.Now().Add(-500 * 24 * time.Hour).UTC().Format(time.RFC3339)}, {"metrics/otlp", "match", "nothing"},
	} {
		parameters := append(append([]string{}, now...), bad[1], bad[2])
		status, _, body := r.get(t, bad[0], "", parameters...)
		require.Equal(t, http.StatusBadRequest, status, "%v: %s", bad, body)
		var problem struct {
			Errors []struct{ Location string }
		}
		require.NoError(t, json.Unmarshal([]byte(body), &problem))
		require.NotEmpty(t, problem.Errors, "%v: %s", bad, body)
		require.Contains(t, problem.Errors[0].Location, bad[1], "%v: %s", bad, body)
	}
	status, _, body := r.get(t, "metrics/query", "", append([]string{"aggregation", "rate"}, now...)...)
	require.Equal(t, http.StatusBadRequest, status, body)
	require.Contains(t, body, "query.metric")
}
