package resource

import (
	"context"
	"net/http"
	"runtime"

	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/httpapi"
)

// prometheusAPI is the stem of Prometheus' HTTP API v1
// (https://prometheus.io/docs/prometheus/latest/querying/api/).
const prometheusAPI = "/prometheus/api/v1/"

// promFormBytes bounds the form of a POST: a query and its parameters.
const promFormBytes = 256 << 10

type prometheus struct{ answers queryserver.PromQL }

// PrometheusRoutes are Prometheus' HTTP API, as far as its queries go. The version is that
// of the module whose engine answers.
func PrometheusRoutes(answers queryserver.PromQL, version string) []httpapi.Route {
	p := &prometheus{answers}
	var routes []httpapi.Route
	add := func(path, id string, answer promHandler, methods ...string) {
		for _, method := range methods {
			operation := httpapi.Operation{
				Method: method, Path: prometheusAPI + path, ID: "prometheus" + id + method, Tag: "Prometheus",
				Summary: "Prometheus' " + path, BodyBytes: promFormBytes, Repeats: []string{"match[]"}, Errors: prometheusError,
			}
			routes = append(routes, httpapi.Raw(httpapi.Requires(queryserver.MetricsRead), operation, answer.serve))
		}
	}
	add("query", "Query", p.query, http.MethodGet, http.MethodPost)
	add("query_range", "QueryRange", p.queryRange, http.MethodGet, http.MethodPost)
	add("query_exemplars", "Exemplars", p.exemplars, http.MethodGet, http.MethodPost)
	add("format_query", "Format", p.format, http.MethodGet, http.MethodPost)
	add("series", "Series", p.series, http.MethodGet, http.MethodPost)
	add("labels", "Labels", p.labels, http.MethodGet, http.MethodPost)
	add("label/{name}/values", "LabelValues", p.labelValues, http.MethodGet)
	add("metadata", "Metadata", p.metadata, http.MethodGet)
	add("status/buildinfo", "BuildInfo", buildInfo(version), http.MethodGet)
	return routes
}

// buildInfo tells clients which of Prometheus' features they may use.
func buildInfo(version string) promHandler {
	return func(context.Context, queryserver.Call, promForm) (queryserver.PromAnswer, error) {
		return promData(map[string]string{
			"version": version, "revision": "", "branch": "", "buildUser": "telemetryflow", "buildDate": "", "goVersion": runtime.Version(),
		})
	}
}

func (p *prometheus) query(ctx context.Context, call queryserver.Call, form promForm) (queryserver.PromAnswer, error) {
	q, err := form.query()
	if err == nil {
		q.To, err = form.time("time", form.now)
	}
	if err != nil {
		return queryserver.PromAnswer{}, err
	}
	return p.answers.EvaluatePromQL(ctx, call.Scope, q)
}

func (p *prometheus) queryRange(ctx context.Context, call queryserver.Call, form promForm) (queryserver.PromAnswer, error) {
	q, err := form.query()
	if err == nil {
		err = form.rangeOf(&q)
	}
	if err != nil {
		return queryserver.PromAnswer{}, err
	}
	return p.answers.EvaluatePromQL(ctx, call.Scope, q)
}

func (p *prometheus) exemplars(ctx context.Context, call queryserver.Call, form promForm) (queryserver.PromAnswer, error) {
	selection, err := form.selection()
	if err != nil {
		return queryserver.PromAnswer{}, err
	}
	if selection.To.Before(selection.From) {
		return queryserver.PromAnswer{}, badParameter("end", "end timestamp must not be before start timestamp")
	}
	return p.answers.PromExemplars(ctx, call.Scope, form.Get("query"), queryserver.TimeRange{From: selection.From, To: selection.To})
}

func (p *prometheus) format(_ context.Context, _ queryserver.Call, form promForm) (queryserver.PromAnswer, error) {
	text, err := p.answers.FormatPromQL(form.Get("query"))
	if err != nil {
		return queryserver.PromAnswer{}, err
	}
	return promData(text)
}

func (p *prometheus) series(ctx context.Context, call queryserver.Call, form promForm) (queryserver.PromAnswer, error) {
	selection, err := form.selection()
	if err != nil {
		return queryserver.PromAnswer{}, err
	}
	if len(selection.Match) == 0 {
		return queryserver.PromAnswer{}, queryserver.Errorf(queryserver.Invalid, "no match[] parameter provided")
	}
	return p.answers.PromSeries(ctx, call.Scope, selection)
}

func (p *prometheus) labels(ctx context.Context, call queryserver.Call, form promForm) (queryserver.PromAnswer, error) {
	selection, err := form.selection()
	if err != nil {
		return queryserver.PromAnswer{}, err
	}
	return p.answers.PromLabelNames(ctx, call.Scope, selection)
}

func (p *prometheus) labelValues(ctx context.Context, call queryserver.Call, form promForm) (queryserver.PromAnswer, error) {
	selection, err := form.selection()
	if err != nil {
		return queryserver.PromAnswer{}, err
	}
	return p.answers.PromLabelValues(ctx, call.Scope, form.path, selection)
}

func (p *prometheus) metadata(ctx context.Context, call queryserver.Call, form promForm) (queryserver.PromAnswer, error) {
	limit, err := form.number("limit")
	if err != nil {
		return queryserver.PromAnswer{}, err
	}
	limitPerMetric, err := form.number("limit_per_metric")
	if err != nil {
		return queryserver.PromAnswer{}, err
	}
	return p.answers.PromMetadata(ctx, call.Scope, form.Get("metric"), limit, limitPerMetric)
}
