package clickhouse

import (
	"testing"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// Every statement about metrics, as it is rendered.
func TestGolden_Metrics(t *testing.T) {
	t.Parallel()
	method := queryserver.Label{Origin: queryserver.AttributeLabel, Key: "method"}
	host := queryserver.Label{Origin: queryserver.ResourceLabel, Key: "host.name"}
	environment := queryserver.Label{Origin: queryserver.EnvironmentLabel}
	service := queryserver.Label{Origin: queryserver.ServiceLabel}
	selector := queryserver.MetricSelector{In: goldenRange, Metrics: []string{"hits"}}
	matched := queryserver.MetricSelector{In: goldenRange, Metrics: []string{"hits", "misses"}, Services: []string{"shop"}, Match: []queryserver.LabelMatch{
		{Label: method, Operator: queryserver.MatchIn, Values: []string{"GET", "PUT"}}, {Label: host, Operator: queryserver.MatchPrefix, Values: []string{"web-"}},
		{Label: environment, Operator: queryserver.MatchNotIn, Values: []string{"test"}}, {Label: service, Operator: queryserver.MatchRegex, Values: []string{"sh.p"}},
		{Label: method, Operator: queryserver.MatchNotRegex, Values: []string{"P.*"}},
	}}
	all := make(statements)
	reads := func(name string, make func(*reading) (chsql.Select, error)) {
		all[name] = func(scope queryserver.Scope) (chsql.Select, error) {
			r, err := read(scope, queryserver.MetricsRead)
			if err != nil {
				return chsql.Select{}, err
			}
			return make(r)
		}
	}
	for _, aggregation := range []queryserver.Aggregation{
		queryserver.AggregateAvg, queryserver.AggregateSum, queryserver.AggregateMin, queryserver.AggregateMax, queryserver.AggregateCount,
		queryserver.AggregateLast, queryserver.AggregateIncrease, queryserver.AggregateRate,
	} {
		q := queryserver.MetricQuery{MetricSelector: selector, Aggregation: aggregation, Step: time.Hour, GroupBy: []queryserver.Label{method}, Limit: 100}
		reads("numbers_"+string(aggregation), func(r *reading) (chsql.Select, error) { return r.numbersQuery(q) })
		if aggregation == queryserver.AggregateLast {
			continue
		}
		reads("distributions_"+string(aggregation), func(r *reading) (chsql.Select, error) { return r.distributionsQuery(q) })
		reads("rollup_"+string(aggregation), func(r *reading) (chsql.Select, error) { return r.rollupQuery(q) })
	}
	hourly := queryserver.MetricQuery{MetricSelector: queryserver.MetricSelector{In: goldenRange}, Aggregation: queryserver.AggregateAvg, Step: time.Hour, GroupBy: []queryserver.Label{service}, Limit: 100}
	reads("numbers_hourly", func(r *reading) (chsql.Select, error) { return r.numbersQuery(hourly) })
	quantile := queryserver.MetricQuery{MetricSelector: selector, Aggregation: queryserver.AggregateQuantile, Quantile: 0.95, Step: time.Minute, GroupBy: []queryserver.Label{environment, host}, Limit: 100}
	reads("quantile_histograms", func(r *reading) (chsql.Select, error) { return r.histogramsQuery(quantile) })
	reads("quantile_summaries", func(r *reading) (chsql.Select, error) { return r.summariesQuery(quantile) })
	reads("rollup_marks", func(r *reading) (chsql.Select, error) {
		if !r.filter.Everything() { // marks hold nothing that a filter could hide
			return chsql.Select{}, queryserver.Errorf(queryserver.Forbidden, "the same for everybody")
		}
		return r.marksQuery(hourly)
	})
	page := queryserver.MetricPage{MetricSelector: selector, Limit: 50}
	after := queryserver.MetricPage{MetricSelector: matched, Limit: 50, After: &queryserver.PointPosition{Nanos: goldenRange.From.UnixNano(), Series: 1, Hash: 2, Shown: 3}}
	reads("points_numbers", func(r *reading) (chsql.Select, error) { return r.samplesPage(page) })
	reads("points_numbers_after", func(r *reading) (chsql.Select, error) { return r.samplesPage(after) })
	reads("points_distributions", func(r *reading) (chsql.Select, error) { return r.histogramsPage(page) })
	reads("points_series", func(r *reading) (chsql.Select, error) { return r.seriesByID(selector, []uint64{1, 2}) })
	reads("exemplars", func(r *reading) (chsql.Select, error) { return r.exemplarsPage(after) })
	reads("names", func(r *reading) (chsql.Select, error) {
		return r.metricsQuery(queryserver.MetricList{In: goldenRange, Services: []string{"shop"}, Prefix: "http.", After: &queryserver.MetricName{Name: "http.a", Kind: "sum"}, Limit: 50})
	})
	labels := queryserver.MetricLabels{MetricSelector: matched, Label: host, Prefix: "web", Limit: 100}
	reads("labels", func(r *reading) (chsql.Select, error) { return r.labelKeysQuery(labels) })
	reads("label_values", func(r *reading) (chsql.Select, error) { return r.labelValuesQuery(labels) })
	reads("series", func(r *reading) (chsql.Select, error) {
		return r.seriesQuery(queryserver.MetricSeriesPage{MetricSelector: matched, After: &queryserver.SeriesPosition{Metric: "hits", Series: 1}, Limit: 50})
	})
	key := exportKey{"hits", 1, uint64(goldenRange.From.UnixNano())}
	reads("otlp_numbers", func(r *reading) (chsql.Select, error) {
		return r.exportPage(samples(), selector, chsql.List{chsql.SQL("value")}, &key)
	})
	reads("otlp_distributions", func(r *reading) (chsql.Select, error) {
		return r.exportPage(histograms(), matched, distributionColumns(), nil)
	})
	reads("otlp_series", func(r *reading) (chsql.Select, error) { return r.exportSeries(selector, []uint64{1, 2}) })
	reads("otlp_exemplars", func(r *reading) (chsql.Select, error) {
		return r.exportExemplars(selector, []exported{{exportKey: key}})
	})
	golden(t, "metrics", all)
}
