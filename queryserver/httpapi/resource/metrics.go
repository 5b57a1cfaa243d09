package resource

import (
	"context"
	"io"
	"net/http"

	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/httpapi"
	"github.com/telemetryflow/telemetryflow/queryserver/httpapi/otlpout"
)

const tagMetrics = "Metrics"

type metrics struct{ store queryserver.MetricReader }

// MetricRoutes ask for metrics.
func MetricRoutes(store queryserver.MetricReader) []httpapi.Route {
	m := &metrics{store}
	at := func(path, id, summary string) httpapi.Operation {
		operation := readTelemetry("metrics"+path, id, summary)
		operation.Tag = tagMetrics
		return operation
	}
	post := at("/query", "postMetricQuery", "Aggregate metrics over time; the query is in the body")
	post.Method = http.MethodPost
	may := httpapi.Requires(queryserver.MetricsRead)
	return []httpapi.Route{
		httpapi.JSON(may, at("", "listMetricPoints", "List stored data points, newest first"), m.points),
		httpapi.JSON(may, at("/query", "queryMetrics", "Aggregate metrics over time"), m.query),
		httpapi.JSON(may, post, m.postQuery),
		httpapi.JSON(may, at("/names", "listMetrics", "List the names of metrics"), m.names),
		httpapi.JSON(may, at("/labels", "listMetricLabels", "List the labels of series, with how many have them"), m.labels),
		httpapi.JSON(may, at("/labels/values", "listMetricLabelValues", "List the values of a label, with how many series have them"), m.labelValues),
		httpapi.JSON(may, at("/series", "listMetricSeries", "List series"), m.series),
		httpapi.JSON(may, at("/exemplars", "listMetricExemplars", "List stored exemplars, newest first"), m.exemplars),
		httpapi.Stream(may, at("/otlp", "exportMetricsOTLP", "Stream data points as OTLP"), []string{kindJSON, kindProtobuf}, m.otlp),
	}
}

// metricList is a page of a list that may be remembered.
type metricList[T any] struct {
	Cached
	Link string `header:"Link" doc:"The next page, rel=next (RFC 8288)"`
	Body httpapi.ListBody[T]
}

func pageOfMetrics[T any](ctx context.Context, trail *queryserver.Trail, page httpapi.Page, rows []T, position func(T) any) (*metricList[T], error) {
	list, err := httpapi.NewList(ctx, page, rows, position)
	if err != nil {
		return nil, err
	}
	return &metricList[T]{cachedBy(trail), list.Link, list.Body}, nil
}

type metricNamesInput struct {
	Within
	httpapi.Page
	Service []word `query:"service" maxItems:"20" doc:"Of any of these services"`
	Prefix  string `query:"prefix" maxLength:"200" doc:"Of the name"`
}

func (m *metrics) names(ctx context.Context, call queryserver.Call, input *metricNamesInput) (*metricList[queryserver.Metric], error) {
	in, err := input.timeRange()
	if err != nil {
		return nil, err
	}
	q := queryserver.MetricList{In: in, Services: textsOf(input.Service), Prefix: input.Prefix, Limit: input.Limit}
	var after queryserver.MetricName
	if more, err := input.After(ctx, &after); err != nil {
		return nil, err
	} else if more {
		q.After = &after
	}
	ctx, trail := queryserver.WithTrail(ctx)
	rows, err := m.store.MetricNames(ctx, call.Scope, q)
	if err != nil {
		return nil, err
	}
	return pageOfMetrics(ctx, trail, input.Page, rows, func(metric queryserver.Metric) any {
		return queryserver.MetricName{Name: metric.Name, Kind: metric.Kind}
	})
}

type metricSeriesInput struct {
	MetricSelection
	httpapi.Page
}

func (m *metrics) series(ctx context.Context, call queryserver.Call, input *metricSeriesInput) (*metricList[queryserver.MetricSeries], error) {
	selector, err := input.selector()
	if err != nil {
		return nil, err
	}
	q := queryserver.MetricSeriesPage{MetricSelector: selector, Limit: input.Limit}
	var after queryserver.SeriesPosition
	if more, err := input.After(ctx, &after); err != nil {
		return nil, err
	} else if more {
		q.After = &after
	}
	ctx, trail := queryserver.WithTrail(ctx)
	rows, err := m.store.MetricSeries(ctx, call.Scope, q)
	if err != nil {
		return nil, err
	}
	return pageOfMetrics(ctx, trail, input.Page, rows, func(one queryserver.MetricSeries) any {
		return queryserver.SeriesPosition{Metric: one.Metric, Series: uint64(one.ID)}
	})
}

func (m *metrics) points(ctx context.Context, call queryserver.Call, input *metricSeriesInput) (*metricList[queryserver.MetricPoint], error) {
	return newestFirst(ctx, input, call, m.store.MetricPoints, queryserver.MetricPoint.Position)
}

func (m *metrics) exemplars(ctx context.Context, call queryserver.Call, input *metricSeriesInput) (*metricList[exemplar], error) {
	read := func(ctx context.Context, scope queryserver.Scope, q queryserver.MetricPage) ([]exemplar, error) {
		rows, err := m.store.MetricExemplars(ctx, scope, q)
		linked := make([]exemplar, len(rows))
		for i, row := range rows {
			linked[i].MetricExemplar = row
			if row.TraceID != "" {
				linked[i].Trace = "/api/v2/telemetry/traces/" + row.TraceID
			}
		}
		return linked, err
	}
	return newestFirst(ctx, input, call, read, func(e exemplar) queryserver.PointPosition { return e.Position() })
}

// exemplar has a link to its trace.
type exemplar struct {
	queryserver.MetricExemplar
	Trace string `json:"trace,omitempty" doc:"Where the trace is"`
}

// newestFirst is a page of points or exemplars.
func newestFirst[T any](
	ctx context.Context, input *metricSeriesInput, call queryserver.Call,
	read func(context.Context, queryserver.Scope, queryserver.MetricPage) ([]T, error), position func(T) queryserver.PointPosition,
) (*metricList[T], error) {
	selector, err := input.selector()
	if err != nil {
		return nil, err
	}
	q := queryserver.MetricPage{MetricSelector: selector, Limit: input.Limit}
	var after queryserver.PointPosition
	if more, err := input.After(ctx, &after); err != nil {
		return nil, err
	} else if more {
		q.After = &after
	}
	ctx, trail := queryserver.WithTrail(ctx)
	rows, err := read(ctx, call.Scope, q)
	if err != nil {
		return nil, err
	}
	return pageOfMetrics(ctx, trail, input.Page, rows, func(last T) any {
		at := position(last)
		if shown := after; q.After != nil {
			shown.Shown = 0
			if shown == at { // the page holds nothing else
				at.Shown = after.Shown
			}
		}
		same := position(last)
		for _, row := range rows[:input.Limit] {
			if position(row) == same {
				at.Shown++
			}
		}
		return at
	})
}

// MetricLabelSelection chooses labels of series.
type MetricLabelSelection struct {
	MetricSelection
	Prefix string `query:"prefix" maxLength:"200" doc:"What the names begin with"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

type metricLabelsOutput struct {
	Cached
	Body queryserver.MetricLabelList
}

func (m *metrics) labels(ctx context.Context, call queryserver.Call, input *MetricLabelSelection) (*metricLabelsOutput, error) {
	return labelsOf(ctx, call, input, queryserver.Label{}, m.store.MetricLabels)
}

type metricLabelValuesInput struct {
	MetricLabelSelection
	Label string `query:"label" required:"true" maxLength:"200" doc:"service, environment, attributes.<key> or resource.<key>"`
}

func (m *metrics) labelValues(ctx context.Context, call queryserver.Call, input *metricLabelValuesInput) (*metricLabelsOutput, error) {
	label, err := queryserver.ParseLabel(input.Label)
	if err != nil {
		return nil, refused("query.label", err)
	}
	return labelsOf(ctx, call, &input.MetricLabelSelection, label, m.store.MetricLabelValues)
}

func labelsOf(
	ctx context.Context, call queryserver.Call, input *MetricLabelSelection, label queryserver.Label,
	read func(context.Context, queryserver.Scope, queryserver.MetricLabels) (queryserver.MetricLabelList, error),
) (*metricLabelsOutput, error) {
	selector, err := input.selector()
	if err != nil {
		return nil, err
	}
	ctx, trail := queryserver.WithTrail(ctx)
	list, err := read(ctx, call.Scope, queryserver.MetricLabels{MetricSelector: selector, Label: label, Prefix: input.Prefix, Limit: input.Limit})
	if list.Items == nil {
		list.Items = []queryserver.LabelCount{}
	}
	return &metricLabelsOutput{cachedBy(trail), list}, err
}

func (m *metrics) otlp(ctx context.Context, call queryserver.Call, input *MetricSelection, kind string) (func(io.Writer) error, error) {
	selector, err := input.selector()
	return func(to io.Writer) error {
		document := otlpout.NewMetrics(to, kind == kindJSON)
		if err := m.store.ExportMetrics(ctx, call.Scope, selector, document.Write); err != nil {
			return err
		}
		return document.End()
	}, err
}
