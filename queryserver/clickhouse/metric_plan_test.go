package clickhouse

import (
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// indexUse is what EXPLAIN indexes = 1 says of an index.
type indexUse struct {
	table, kind     string
	keys            []string
	parts, ofParts  int
	granules, ofAll int
}

// metricPlan explains a statement: the use of indexes by table, in the order of the plan.
func (w *world) metricPlan(t *testing.T, query chsql.Select) []indexUse {
	t.Helper()
	statement := query.Statement()
	var text string
	rows, err := w.conn.Query(clickhouse.Context(t.Context(), clickhouse.WithParameters(statement.Parameters)), "EXPLAIN json = 1, indexes = 1 "+statement.SQL)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var line string
		require.NoError(t, rows.Scan(&line))
		text += line + "\n"
	}
	require.NoError(t, rows.Err())
	var tree any
	require.NoError(t, json.Unmarshal([]byte(text), &tree), "%s", text)
	var uses []indexUse
	walkPlan(tree, &uses)
	return uses
}

func walkPlan(node any, uses *[]indexUse) {
	switch node := node.(type) {
	case []any:
		for _, one := range node {
			walkPlan(one, uses)
		}
	case map[string]any:
		if indexes, reads := node["Indexes"].([]any); reads {
			for _, one := range indexes {
				index, _ := one.(map[string]any)
				number := func(key string) int { v, _ := index[key].(float64); return int(v) }
				use := indexUse{table: fmt.Sprint(node["Description"]), kind: fmt.Sprint(index["Type"]),
					parts: number("Selected Parts"), ofParts: number("Initial Parts"), granules: number("Selected Granules"), ofAll: number("Initial Granules")}
				keys, _ := index["Keys"].([]any)
				for _, key := range keys {
					use.keys = append(use.keys, fmt.Sprint(key))
				}
				*uses = append(*uses, use)
			}
		}
		for key, inner := range node {
			if key != "Indexes" {
				walkPlan(inner, uses)
			}
		}
	}
}

// Days are pruned, and the sort key finds a metric and its series: a query reads what it
// asks for and not what the tenant has.
func TestMetrics_Plan(t *testing.T) {
	t.Parallel()
	w := setup(t)
	const metrics, series, points = 4, 20, 800
	for d := range 3 {
		b := metricsOf("shop")
		for m := range metrics {
			gauge := b.metric(fmt.Sprint("m", m)).SetEmptyGauge()
			for s := range series {
				for i := range points {
					p := gauge.DataPoints().AppendEmpty()
					p.SetTimestamp(stampOf(noon.Add(time.Duration(-24*d)*time.Hour + time.Duration(i)*time.Second)))
					p.SetDoubleValue(1)
					p.Attributes().PutStr("s", strconv.Itoa(s))
				}
			}
		}
		w.Metrics(t, w.Tenant, b.Metrics)
	}
	r, err := read(scope(w.Tenant), queryserver.MetricsRead)
	require.NoError(t, err)
	one := queryserver.MetricSelector{In: hour, Metrics: []string{"m1"}}
	narrow := one
	narrow.Match = []queryserver.LabelMatch{{Label: queryserver.Label{Origin: queryserver.AttributeLabel, Key: "s"}, Operator: queryserver.MatchIn, Values: []string{"7"}}}
	q := queryserver.MetricQuery{MetricSelector: one, Aggregation: queryserver.AggregateRate, Step: time.Minute, GroupBy: byService, Limit: 100}
	used := func(name, table, kind string, query chsql.Select, err error) indexUse {
		t.Helper()
		require.NoError(t, err)
		uses := w.metricPlan(t, query)
		for _, use := range uses {
			if use.kind == kind && (len(use.table) >= len(table)) && use.table[len(use.table)-len(table):] == table {
				return use
			}
		}
		require.Fail(t, "the index is not used", "%s: %s of %s in %+v", name, kind, table, uses)
		return indexUse{}
	}
	rate, err := r.numbersQuery(q)
	days := used("rate", "metric_samples", "Min-Max", rate, err)
	require.Equal(t, 3, days.ofParts)
	require.Equal(t, 1, days.parts, "one day of three")
	key := used("rate", "metric_samples", "PrimaryKey", rate, err)
	require.Contains(t, key.keys, "metric_name")
	require.LessOrEqual(t, key.granules, 4, "one metric of %d: of %d granules", metrics, key.ofAll)
	require.Greater(t, key.ofAll, 7)

	q.MetricSelector, q.Aggregation = narrow, queryserver.AggregateAvg
	filtered, err := r.numbersQuery(q)
	key = used("one series", "metric_samples", "PrimaryKey", filtered, err)
	require.Contains(t, key.keys, "series_id")
	require.LessOrEqual(t, key.granules, 2)

	page, err := r.exportPage(samples(), one, chsql.List{chsql.SQL("value")}, nil)
	key = used("export", "metric_samples", "PrimaryKey", page, err)
	require.LessOrEqual(t, key.granules, 4)

	// The lists read the lists and no points.
	names, err := r.metricsQuery(queryserver.MetricList{In: hour, Limit: 50})
	used("names", "metric_activity", "PrimaryKey", names, err)
	require.Len(t, tablesOf(w.metricPlan(t, names)), 1)
	_, services, err := servicesQuery(scope(w.Tenant), queryserver.Metrics, hour)
	used("services", "service_activity", "PrimaryKey", services, err)
	require.Len(t, tablesOf(w.metricPlan(t, services)), 1)
	rows := func(query chsql.Select) (n uint64) {
		statement := query.Statement()
		ctx := clickhouse.Context(t.Context(), clickhouse.WithParameters(statement.Parameters), clickhouse.WithProgress(func(p *clickhouse.Progress) { n += p.Rows }))
		answer, err := w.conn.Query(ctx, statement.SQL)
		require.NoError(t, err)
		defer answer.Close()
		for answer.Next() {
		}
		require.NoError(t, answer.Err())
		return n
	}
	require.LessOrEqual(t, rows(names), uint64(3*metrics), "of %d points", 3*metrics*series*points)
	require.LessOrEqual(t, rows(services), uint64(24))
}

func tablesOf(uses []indexUse) map[string]bool {
	tables := make(map[string]bool)
	for _, use := range uses {
		tables[use.table] = true
	}
	return tables
}
