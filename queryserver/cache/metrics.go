package cache

import (
	"context"
	"time"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// metrics are the kinds of answers about metrics.
type metrics struct {
	names     *View[answer[[]queryserver.Metric]]
	labels    *View[answer[queryserver.MetricLabelList]]
	series    *View[answer[[]queryserver.MetricSeries]]
	points    kept[[]queryserver.MetricPoint]
	exemplars kept[[]queryserver.MetricExemplar]
	results   kept[queryserver.MetricResult]
}

func metricAnswers(c *Cache) metrics {
	return metrics{
		names:     answers[[]queryserver.Metric](c, "metrics:names", metricsLife),
		labels:    answers[queryserver.MetricLabelList](c, "metrics:labels", metricsLife),
		series:    answers[[]queryserver.MetricSeries](c, "metrics:series", metricsLife),
		points:    keptAnswers[[]queryserver.MetricPoint](c, "metrics:points", metricsLife),
		exemplars: keptAnswers[[]queryserver.MetricExemplar](c, "metrics:exemplars", metricsLife),
		results:   keptAnswers[queryserver.MetricResult](c, "metrics", metricsLife),
	}
}

func aboutMetrics(in queryserver.TimeRange, rest ...any) question {
	return question{signals: []queryserver.Signal{queryserver.Metrics}, in: in, rest: rest}
}

// MetricNames is that of queryserver.Telemetry.
func (t *Telemetry) MetricNames(ctx context.Context, scope queryserver.Scope, q queryserver.MetricList) ([]queryserver.Metric, error) {
	return ask(ctx, t, t.metrics.names, scope, aboutMetrics(q.In, q), func(ctx context.Context) ([]queryserver.Metric, error) {
		return t.next.MetricNames(ctx, scope, q)
	})
}

// MetricLabels is that of queryserver.Telemetry.
func (t *Telemetry) MetricLabels(ctx context.Context, scope queryserver.Scope, q queryserver.MetricLabels) (queryserver.MetricLabelList, error) {
	return ask(ctx, t, t.metrics.labels, scope, aboutMetrics(q.In, "keys", q), func(ctx context.Context) (queryserver.MetricLabelList, error) {
		return t.next.MetricLabels(ctx, scope, q)
	})
}

// MetricLabelValues is that of queryserver.Telemetry.
func (t *Telemetry) MetricLabelValues(ctx context.Context, scope queryserver.Scope, q queryserver.MetricLabels) (queryserver.MetricLabelList, error) {
	return ask(ctx, t, t.metrics.labels, scope, aboutMetrics(q.In, "values", q), func(ctx context.Context) (queryserver.MetricLabelList, error) {
		return t.next.MetricLabelValues(ctx, scope, q)
	})
}

// MetricSeries is that of queryserver.Telemetry.
func (t *Telemetry) MetricSeries(ctx context.Context, scope queryserver.Scope, q queryserver.MetricSeriesPage) ([]queryserver.MetricSeries, error) {
	return ask(ctx, t, t.metrics.series, scope, aboutMetrics(q.In, q), func(ctx context.Context) ([]queryserver.MetricSeries, error) {
		return t.next.MetricSeries(ctx, scope, q)
	})
}

// MetricPoints is that of queryserver.Telemetry.
func (t *Telemetry) MetricPoints(ctx context.Context, scope queryserver.Scope, q queryserver.MetricPage) ([]queryserver.MetricPoint, error) {
	return t.metrics.points.ask(ctx, t, scope, aboutMetrics(q.In, q), func(ctx context.Context) ([]queryserver.MetricPoint, error) {
		return t.next.MetricPoints(ctx, scope, q)
	})
}

// MetricExemplars is that of queryserver.Telemetry.
func (t *Telemetry) MetricExemplars(ctx context.Context, scope queryserver.Scope, q queryserver.MetricPage) ([]queryserver.MetricExemplar, error) {
	return t.metrics.exemplars.ask(ctx, t, scope, aboutMetrics(q.In, q), func(ctx context.Context) ([]queryserver.MetricExemplar, error) {
		return t.next.MetricExemplars(ctx, scope, q)
	})
}

// QueryMetrics is that of queryserver.Telemetry. What is asked over time is remembered by
// intervals.
func (t *Telemetry) QueryMetrics(ctx context.Context, scope queryserver.Scope, q queryserver.MetricQuery) (queryserver.MetricResult, error) {
	in := func(in queryserver.TimeRange) queryserver.MetricQuery {
		part := q
		part.In = in
		return part
	}
	load := func(ctx context.Context, part queryserver.TimeRange) (queryserver.MetricResult, error) {
		return t.next.QueryMetrics(ctx, scope, in(part))
	}
	asked := aboutMetrics(q.In, in(queryserver.TimeRange{}))
	asked.depends = queryserver.TimeRange{From: q.In.From.Add(-metricsBefore), To: q.In.To}
	if q.Instant {
		return t.metrics.results.ask(ctx, t, scope, asked, func(ctx context.Context) (queryserver.MetricResult, error) { return load(ctx, q.In) })
	}
	return t.metrics.results.askInParts(ctx, t, scope, division[queryserver.MetricResult]{
		question: asked, step: q.Step, before: metricsBefore, load: load,
		join: func(part queryserver.TimeRange, parts ...queryserver.MetricResult) queryserver.MetricResult {
			return queryserver.JoinMetrics(in(part), parts...)
		},
	})
}

// metricsBefore is at least how far before its time an increase depends on data.
const metricsBefore = queryserver.MetricLookBack + time.Second

// ExportMetrics is that of queryserver.Telemetry. It is not remembered.
func (t *Telemetry) ExportMetrics(ctx context.Context, scope queryserver.Scope, q queryserver.MetricSelector, piece func([]byte) error) error {
	return t.next.ExportMetrics(ctx, scope, q, piece)
}
