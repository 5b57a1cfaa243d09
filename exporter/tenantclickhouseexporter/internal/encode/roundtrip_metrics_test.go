package encode_test

import (
	"slices"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/proto"
)

func TestRoundTrip_Metrics(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	keepForever(t, conn)
	encoder := newEncoder()
	g := newGenerator(3, time.Now())
	var sent []string
	for i := range 2 * requests {
		message := &metricsv1.MetricsData{}
		g.fill(message.ProtoReflect(), 0)
		wire, err := proto.Marshal(message)
		require.NoError(t, err)
		md, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(wire)
		require.NoError(t, err)
		for _, rm := range md.ResourceMetrics().All() {
			stamp(rm.Resource(), owner(i))
		}
		require.NoError(t, encoder.AppendMetrics(md))
		for _, item := range split(message.ProtoReflect(), "resource_metrics", "scope_metrics", "metrics", "data", "data_points") {
			sent = append(sent, normal(owner(i), item, true))
		}
	}
	insert(t, conn, encoder)
	requireCovered(t, g, &metricsv1.MetricsData{})

	series, exemplars := readSeries(t, conn), readExemplars(t, conn)
	var stored []string
	for _, row := range read[sampleRow](t, conn, "metric_samples", sampleColumns()...) {
		labels := series.of(t, row.pointRow)
		stored = append(stored, normal(row.Tenant, labels.number(t, row, exemplars[row.point()]), true))
	}
	for _, row := range read[histogramRow](t, conn, "metric_histogram_samples", histogramColumns()...) {
		labels := series.of(t, row.pointRow)
		stored = append(stored, normal(row.Tenant, labels.distribution(t, row, exemplars[row.point()]), true))
	}
	requireSame(t, sent, stored)
}

// pointRow is what the rows of all data points have.
type pointRow struct {
	owned
	Metric string `ch:"metric_name"`
	Series uint64 `ch:"series_id"`
	Time   uint64 `ch:"timestamp_nanos"`
	Start  uint64 `ch:"start_timestamp_nanos"`
	Flags  uint32 `ch:"flags"`
}

// pointKey is what an exemplar knows its data point by.
type pointKey struct {
	tenant       string
	series, time uint64
}

func (r pointRow) point() pointKey { return pointKey{r.Tenant, r.Series, r.Time} }

func pointColumns() string {
	return ownerColumns + ", metric_name, series_id, flags, " + nanos("timestamp", "start_timestamp")
}

// sampleRow is a row of the table metric_samples.
type sampleRow struct {
	pointRow
	Value  float64 `ch:"value"`
	Exact  int64   `ch:"value_int"`
	SentAs string  `ch:"value_type"`
}

// exactInteger is the expression of metrics_v3.
const exactInteger = "if(value_type = 'int', toInt64(if(value >= 9223372036854775808., -9223372036854775808., value)) + value_residual, 0) AS value_int"

func sampleColumns() []string {
	return []string{pointColumns(), "value, toString(value_type) AS value_type", exactInteger}
}

// histogramRow is a row of the table metric_histogram_samples.
type histogramRow struct {
	pointRow
	Count          uint64    `ch:"count"`
	Sum            float64   `ch:"sum"`
	Min            float64   `ch:"min"`
	Max            float64   `ch:"max"`
	Present        uint8     `ch:"present"`
	Bounds         []float64 `ch:"explicit_bounds"`
	Counts         []uint64  `ch:"bucket_counts"`
	Scale          int32     `ch:"scale"`
	ZeroCount      uint64    `ch:"zero_count"`
	ZeroThreshold  float64   `ch:"zero_threshold"`
	PositiveOffset int32     `ch:"positive_offset"`
	Positive       []uint64  `ch:"positive_bucket_counts"`
	NegativeOffset int32     `ch:"negative_offset"`
	Negative       []uint64  `ch:"negative_bucket_counts"`
	Quantiles      []float64 `ch:"quantiles"`
	QuantileValues []float64 `ch:"quantile_values"`
}

func histogramColumns() []string {
	return []string{
		pointColumns(), "count, sum, min, max, present, explicit_bounds, bucket_counts, scale, zero_count, zero_threshold",
		"positive_offset, positive_bucket_counts, negative_offset, negative_bucket_counts, quantiles, quantile_values",
	}
}

// optional is a field that was sent if its bit is set.
func (r histogramRow) optional(bit uint8, v float64) *float64 {
	if r.Present&bit == 0 {
		return nil
	}
	return &v
}

// seriesRow is a row of the table metric_series.
type seriesRow struct {
	owned
	sourceRow
	Metric      string `ch:"metric_name"`
	ID          uint64 `ch:"series_id"`
	Kind        string `ch:"kind"`
	Unit        string `ch:"unit"`
	Description string `ch:"description"`
	Temporality int32  `ch:"temporality"`
	Monotonic   bool   `ch:"is_monotonic"`
	Attributes  pairs  `ch:"attributes_pairs"`
	Metadata    pairs  `ch:"metadata_pairs"`
}

type seriesTable map[pointKey]seriesRow // of time 0

func (s seriesTable) of(t *testing.T, row pointRow) seriesRow {
	labels, known := s[pointKey{row.Tenant, row.Series, 0}]
	require.True(t, known, "series %d has labels", row.Series)
	require.Equal(t, workspaceA, row.Workspace)
	require.Equal(t, labels.Metric, row.Metric)
	return labels
}

// readSeries also checks that every day of a series says the same.
func readSeries(t *testing.T, conn driver.Conn) seriesTable {
	table := make(seriesTable)
	for _, row := range read[seriesRow](t, conn, "metric_series", ownerColumns, sourceColumns(),
		"metric_name, series_id, toString(kind) AS kind, unit, description, temporality, is_monotonic",
		pairsAs("attributes", "attribute_types"), pairsAs("metadata", "metadata_types")) {
		key := pointKey{row.Tenant, row.ID, 0}
		if other, known := table[key]; known {
			at := metricsv1.NumberDataPoint{TimeUnixNano: 1}
			require.Equal(t, normal("", other.metric(t, other.Kind, &at), true), normal("", row.metric(t, row.Kind, &at), true))
		}
		table[key] = row
	}
	return table
}

// exemplarRow is a row of the table exemplars.
type exemplarRow struct {
	owned
	Series     uint64  `ch:"series_id"`
	Sample     uint64  `ch:"sample_timestamp_nanos"`
	Position   uint32  `ch:"position"`
	Time       uint64  `ch:"timestamp_nanos"`
	Value      float64 `ch:"value"`
	Exact      int64   `ch:"value_int"`
	SentAs     string  `ch:"value_type"`
	TraceID    string  `ch:"trace_id"`
	SpanID     string  `ch:"span_id"`
	Attributes pairs   `ch:"filtered_attributes_pairs"`
}

func readExemplars(t *testing.T, conn driver.Conn) map[pointKey][]*metricsv1.Exemplar {
	rows := read[exemplarRow](t, conn, "exemplars", ownerColumns, nanos("sample_timestamp", "timestamp"),
		"series_id, position, value, value_int, toString(value_type) AS value_type, trace_id, span_id", pairsAs("filtered_attributes", "filtered_attribute_types"))
	slices.SortFunc(rows, func(a, b exemplarRow) int { return int(a.Position) - int(b.Position) })
	exemplars := make(map[pointKey][]*metricsv1.Exemplar)
	for _, row := range rows {
		key := pointKey{row.Tenant, row.Series, row.Sample}
		require.EqualValues(t, len(exemplars[key]), row.Position)
		exemplar := &metricsv1.Exemplar{
			TimeUnixNano: row.Time, TraceId: id(row.TraceID), SpanId: id(row.SpanID), FilteredAttributes: row.Attributes.attributes(t),
		}
		switch row.SentAs {
		case "int":
			exemplar.Value = &metricsv1.Exemplar_AsInt{AsInt: row.Exact}
		case "double":
			exemplar.Value = &metricsv1.Exemplar_AsDouble{AsDouble: row.Value}
		}
		exemplars[key] = append(exemplars[key], exemplar)
	}
	return exemplars
}
