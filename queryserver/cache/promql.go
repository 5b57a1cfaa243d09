package cache

import (
	"context"
	"time"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// PromQL remembers whole answers of Prometheus' API.
type PromQL struct {
	queryserver.PromQL

	telemetry *Telemetry
	answers   *View[answer[queryserver.PromAnswer]]
}

// NewPromQL puts the cache before PromQL. Generations are those of the telemetry.
func NewPromQL(t *Telemetry, next queryserver.PromQL) *PromQL {
	return &PromQL{next, t, answers[queryserver.PromAnswer](t.cache, "metrics:promql", metricsLife)}
}

// EvaluatePromQL is that of queryserver.PromQL. The answer is as new as all that the query
// reaches.
func (p *PromQL) EvaluatePromQL(ctx context.Context, scope queryserver.Scope, q queryserver.PromQuery) (queryserver.PromAnswer, error) {
	reach, err := p.PromReach(q)
	if err != nil {
		return queryserver.PromAnswer{}, err
	}
	rest := []any{"evaluate", q.Query, q.From.UnixNano(), q.To.UnixNano(), q.Step, q.Limit, q.Lookback, q.Timeout}
	return p.ask(ctx, scope, reach, rest, func(ctx context.Context) (queryserver.PromAnswer, error) {
		return p.PromQL.EvaluatePromQL(ctx, scope, q)
	})
}

// PromSeries is that of queryserver.PromQL, as are all that follow.
func (p *PromQL) PromSeries(ctx context.Context, scope queryserver.Scope, q queryserver.PromSelection) (queryserver.PromAnswer, error) {
	q = toMinutes(q)
	return p.ask(ctx, scope, queryserver.TimeRange{From: q.From, To: q.To}, []any{"series", q.Match, q.Limit}, func(ctx context.Context) (queryserver.PromAnswer, error) {
		return p.PromQL.PromSeries(ctx, scope, q)
	})
}

// PromLabelNames is cached to the minute.
func (p *PromQL) PromLabelNames(ctx context.Context, scope queryserver.Scope, q queryserver.PromSelection) (queryserver.PromAnswer, error) {
	q = toMinutes(q)
	return p.ask(ctx, scope, queryserver.TimeRange{From: q.From, To: q.To}, []any{"labels", q.Match, q.Limit}, func(ctx context.Context) (queryserver.PromAnswer, error) {
		return p.PromQL.PromLabelNames(ctx, scope, q)
	})
}

// PromLabelValues is cached to the minute.
func (p *PromQL) PromLabelValues(ctx context.Context, scope queryserver.Scope, label string, q queryserver.PromSelection) (queryserver.PromAnswer, error) {
	q = toMinutes(q)
	return p.ask(ctx, scope, queryserver.TimeRange{From: q.From, To: q.To}, []any{"values", label, q.Match, q.Limit}, func(ctx context.Context) (queryserver.PromAnswer, error) {
		return p.PromQL.PromLabelValues(ctx, scope, label, q)
	})
}

// PromExemplars is cached by its range.
func (p *PromQL) PromExemplars(ctx context.Context, scope queryserver.Scope, query string, in queryserver.TimeRange) (queryserver.PromAnswer, error) {
	return p.ask(ctx, scope, in, []any{"exemplars", query}, func(ctx context.Context) (queryserver.PromAnswer, error) {
		return p.PromQL.PromExemplars(ctx, scope, query, in)
	})
}

// toMinutes widens the range of a selection, which is answered by days anyway, so that
// neighbours ask the same.
func toMinutes(q queryserver.PromSelection) queryserver.PromSelection {
	q.From, q.To = q.From.Truncate(time.Minute), q.To.Truncate(time.Minute).Add(time.Minute)
	return q
}

func (p *PromQL) ask(ctx context.Context, scope queryserver.Scope, in queryserver.TimeRange, rest []any, load func(context.Context) (queryserver.PromAnswer, error)) (queryserver.PromAnswer, error) {
	q := question{signals: []queryserver.Signal{queryserver.Metrics}, in: in, rest: rest}
	return ask(ctx, p.telemetry, p.answers, scope, q, load)
}
