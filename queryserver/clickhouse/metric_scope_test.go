package clickhouse

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// everything is the answer of every question about metrics, as text.
func (w *world) everything(t *testing.T, in queryserver.Scope, q queryserver.MetricSelector, label queryserver.Label) map[string]string {
	t.Helper()
	answers := make(map[string]string)
	note := func(name string, value any, err error) {
		require.NoError(t, err, name)
		text, err := json.Marshal(value)
		require.NoError(t, err)
		answers[name] = string(text)
	}
	ctx := context.Background()
	names, err := w.MetricNames(ctx, in, queryserver.MetricList{In: q.In, Services: q.Services, Limit: 50})
	note("names", names, err)
	labels := queryserver.MetricLabels{MetricSelector: q, Label: label, Limit: 50}
	keys, err := w.MetricLabels(ctx, in, labels)
	note("labels", keys, err)
	values, err := w.MetricLabelValues(ctx, in, labels)
	note("values", values, err)
	series, err := w.MetricSeries(ctx, in, queryserver.MetricSeriesPage{MetricSelector: q, Limit: 50})
	note("series", series, err)
	points, err := w.MetricPoints(ctx, in, queryserver.MetricPage{MetricSelector: q, Limit: 50})
	note("points", points, err)
	exemplars, err := w.MetricExemplars(ctx, in, queryserver.MetricPage{MetricSelector: q, Limit: 50})
	note("exemplars", exemplars, err)
	for _, aggregation := range []queryserver.Aggregation{
		queryserver.AggregateAvg, queryserver.AggregateSum, queryserver.AggregateMin, queryserver.AggregateMax, queryserver.AggregateCount,
		queryserver.AggregateLast, queryserver.AggregateIncrease, queryserver.AggregateRate, queryserver.AggregateQuantile,
	} {
		for _, by := range [][]queryserver.Label{{label}, {{Origin: queryserver.ServiceLabel}}} {
			result, err := w.QueryMetrics(ctx, in, queryserver.MetricQuery{MetricSelector: q, Aggregation: aggregation, Quantile: 0.5, GroupBy: by, Step: q.In.To.Sub(q.In.From), Limit: 50})
			note(string(aggregation)+" by "+by[0].String(), result, err)
		}
	}
	require.NoError(t, w.ExportMetrics(ctx, in, q, func(piece []byte) error {
		answers["otlp"] += string(piece)
		return nil
	}))
	return answers
}

// marked makes points of all kinds whose every text has a mark.
func marked(mark string, resource map[string]string) *batch {
	resource["marked"] = mark
	b := newBatch(resource)
	own := map[string]string{"mark": mark}
	b.gauge("load."+mark, noon, 1, own)
	b.counter("hits."+mark, cumulative, noon, own, at{0, 1}, at{60, 2})
	points := b.scope.Metrics().At(1).Sum().DataPoints()
	exemplar := points.At(0).Exemplars().AppendEmpty()
	exemplar.FilteredAttributes().PutStr("mark", mark)
	exemplar.SetTraceID(pcommon.TraceID{1})
	h := b.metric("latency." + mark).SetEmptyHistogram()
	h.SetAggregationTemporality(delta)
	histogramPoint(h, noon, at{0, 1}, 1, 1, 1)
	put(h.DataPoints().At(0).Attributes(), own)
	return b
}

// Rule 27: no answer holds anything of another tenant, or of what the caller's roles hide;
// and each holds what he may see.
func TestMetrics_Rule27_Scope(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.Metrics(t, w.Tenant, marked("seen", map[string]string{"service.name": "shop-seen", "deployment.environment.name": "staging", "zone": "z-seen"}).Metrics)
	w.Metrics(t, w.Tenant, marked("hidden", map[string]string{"service.name": "cart-hidden", "deployment.environment.name": "production"}).Metrics)
	w.Metrics(t, w.Other, marked("canary", map[string]string{"service.name": "shop-seen", "deployment.environment.name": "staging", "zone": "z-seen"}).Metrics)
	q := queryserver.MetricSelector{In: queryserver.TimeRange{From: noon, To: noon.Add(queryserver.MetricLookBack)}}
	label := queryserver.Label{Origin: queryserver.AttributeLabel, Key: "mark"}
	holds := func(answers map[string]string, mark string, want bool) {
		t.Helper()
		require.Len(t, answers, 25)
		for name, text := range answers {
			if name == "labels" { // keys have no marks
				continue
			}
			require.Equal(t, want, strings.Contains(text, mark), "%s: %s", name, text)
		}
	}
	answers := w.everything(t, scope(w.Tenant), q, label)
	holds(answers, "seen", true)
	holds(answers, "hidden", true)
	holds(answers, "canary", false)
	is := func(dimension, value string) []queryserver.Predicate {
		return []queryserver.Predicate{{Dimension: dimension, Values: []string{value}}}
	}
	for _, alternative := range [][]queryserver.Predicate{is("service", "shop-seen"), is("environment", "staging"), is("zone", "z-seen"), is("mark", "seen"),
		{{Dimension: "mark", Values: []string{"seen"}}, {Dimension: "service", Values: []string{"shop-seen"}}}} {
		answers := w.everything(t, scope(w.Tenant, alternative), q, label)
		holds(answers, "seen", true)
		holds(answers, "hidden", false)
		holds(answers, "canary", false)
	}
	_, err := w.QueryMetrics(t.Context(), queryserver.Scope{}, queryserver.MetricQuery{MetricSelector: q, Step: 1})
	require.Equal(t, queryserver.Forbidden, queryserver.CodeOf(err))
}

// corpus are texts that would be something else if they were ever read as SQL.
var corpus = []string{
	"it's", `back\slash`, `\`, "tab\tnewline\nreturn\r", "nul\x00byte", `"quotes"`, "`ticks`", "{p1:String}", "?", "'] OR 1=1 --", "') OR ('1'='1", "❄ snow", "\\' OR 1=1 -- ",
	"a,b", "[]", "/* */", "; DROP TABLE metric_samples", "') UNION ALL SELECT 1 --", "%s", "\xff\xfe", "",
}

// Every text that a caller may write is a value and never a part of the statement: it finds
// what has it, and nothing else.
func TestMetrics_Injection(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.Metrics(t, w.Other, marked("canary", map[string]string{"service.name": "x"}).Metrics)
	w.Metrics(t, w.Tenant, marked("another", map[string]string{"service.name": "x"}).Metrics)
	for _, text := range corpus {
		b := newBatch(map[string]string{"service.name": text, "r" + text: text})
		b.gauge("m"+text, noon, 1, map[string]string{"k" + text: text})
		w.Metrics(t, w.Tenant, b.Metrics)
	}
	in := queryserver.TimeRange{From: noon, To: noon.Add(queryserver.MetricLookBack)}
	for _, text := range corpus {
		own := queryserver.Label{Origin: queryserver.AttributeLabel, Key: "k" + text}
		resource := queryserver.Label{Origin: queryserver.ResourceLabel, Key: "r" + text}
		for name, q := range map[string]queryserver.MetricSelector{
			"metric":    {Metrics: []string{"m" + text}},
			"metrics":   {Metrics: []string{"m" + text, "nothing" + text}},
			"attribute": {Metrics: []string{"m" + text}, Match: []queryserver.LabelMatch{{Label: own, Operator: queryserver.MatchIn, Values: []string{text}}}},
			"resource":  {Metrics: []string{"m" + text}, Services: []string{text}, Match: []queryserver.LabelMatch{{Label: resource, Operator: queryserver.MatchPrefix, Values: []string{text}}}},
		} {
			q.In = in
			result, err := w.QueryMetrics(t.Context(), scope(w.Tenant, []queryserver.Predicate{{Dimension: "service", Values: []string{text}}}),
				queryserver.MetricQuery{MetricSelector: q, Aggregation: queryserver.AggregateAvg, GroupBy: []queryserver.Label{own, resource}, Step: in.To.Sub(in.From), Limit: 10})
			require.NoError(t, err, "%s %q", name, text)
			require.Len(t, result.Series, 1, "%s %q", name, text)
			require.Equal(t, text, result.Series[0].Labels[own.String()], "%s %q", name, text)
			require.Equal(t, text, result.Series[0].Labels[resource.String()], "%s %q", name, text)
		}
		list, err := w.MetricLabelValues(t.Context(), scope(w.Tenant), queryserver.MetricLabels{MetricSelector: queryserver.MetricSelector{In: in}, Label: own, Prefix: text, Limit: 10})
		require.NoError(t, err)
		require.Equal(t, []queryserver.LabelCount{{Name: text, Series: 1}}, list.Items)
		regex := queryserver.LabelMatch{Label: own, Operator: queryserver.MatchRegex, Values: []string{text}}
		if regex.Check() == nil {
			_, err = w.MetricSeries(t.Context(), scope(w.Tenant), queryserver.MetricSeriesPage{MetricSelector: queryserver.MetricSelector{In: in, Match: []queryserver.LabelMatch{regex}}, Limit: 10})
			require.NoError(t, err, "%q", text)
		}
	}
}
