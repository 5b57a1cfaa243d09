package promql

import (
	"context"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// exemplar is Prometheus' JSON of one.
type exemplar struct {
	Labels    map[string]string `json:"labels"`
	Value     numberText        `json:"value"`
	Timestamp secondsText       `json:"timestamp"`
}

type exemplarSeries struct {
	SeriesLabels labels.Labels `json:"seriesLabels"`
	Exemplars    []exemplar    `json:"exemplars"`
}

// PromExemplars is that of queryserver.PromQL: those of all series that the selectors of
// the query match.
func (s *Service) PromExemplars(ctx context.Context, scope queryserver.Scope, query string, in queryserver.TimeRange) (queryserver.PromAnswer, error) {
	expr, err := s.parse(query)
	if err != nil {
		return queryserver.PromAnswer{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.settings.Limits.Time)
	defer cancel()
	if earliest := in.To.Add(-s.settings.Limits.Range); in.From.Before(earliest) {
		in.From = earliest
	}
	q, found := NewQueryable(&s.settings, s.store, scope), make(map[string]*exemplarSeries)
	for _, matchers := range parser.ExtractSelectors(expr) {
		if err := q.exemplars(ctx, between(in.From.UnixMilli(), in.To.UnixMilli()), matchers, found); err != nil {
			return queryserver.PromAnswer{}, failed(err)
		}
	}
	all := slices.SortedFunc(maps.Values(found), func(a, b *exemplarSeries) int { return labels.Compare(a.SeriesLabels, b.SeriesLabels) })
	answer, err := listed(all, 0)
	for _, of := range all {
		answer.Truncated = answer.Truncated || len(of.Exemplars) >= s.settings.Limits.Exemplars
	}
	return answer, err
}

// exemplars adds those of one selector.
func (q *Queryable) exemplars(ctx context.Context, in queryserver.TimeRange, matchers []*labels.Matcher, into map[string]*exemplarSeries) error {
	shown, err := q.metrics(ctx, in)
	if err != nil {
		return err
	}
	chosen := named(shown, matchers)
	stored, err := q.stored(ctx, in, chosen, matchers)
	if err != nil || len(stored) == 0 {
		return err
	}
	byID, ids := make(map[uint64]*queryserver.StoredSeries), make([]uint64, 0, len(stored))
	for i := range stored {
		byID[stored[i].ID], ids = &stored[i], append(ids, stored[i].ID)
	}
	points, err := q.store.ReadExemplars(ctx, q.scope, queryserver.PointsQuestion{In: in, Metrics: otlpNames(chosen), Series: ids, Limit: q.settings.Limits.Exemplars})
	if err != nil {
		return err
	}
	for _, p := range points {
		if of := byID[p.Series]; of != nil {
			q.exemplar(p, of, chosen, matchers, into)
		}
	}
	return nil
}

// exemplar adds one to the series that shows it: of a histogram the smallest bucket that
// holds it, as Prometheus has it, or what else of it was asked for.
func (q *Queryable) exemplar(p queryserver.ExemplarPoint, of *queryserver.StoredSeries, chosen []metric, matchers []*labels.Matcher, into map[string]*exemplarSeries) {
	for _, m := range chosen {
		if m.family != of.SeriesFamily || m.part == quantilePart {
			continue
		}
		shown := q.names.series(m.name, of)
		if !matchesAll(shown, without(matchers, model.BucketLabel)) {
			continue
		}
		key := shown.String()
		if into[key] == nil {
			into[key] = &exemplarSeries{SeriesLabels: shown}
		}
		into[key].Exemplars = append(into[key].Exemplars, exemplar{exemplarLabels(p), numberText(p.Value), secondsText(p.Time)})
	}
}

// maxExemplarRunes bounds the labels of an exemplar (OpenMetrics 1.0). Beyond it, only the
// ids are shown.
const maxExemplarRunes = 128

func exemplarLabels(p queryserver.ExemplarPoint) map[string]string {
	shown := make(map[string]string)
	if p.TraceID != "" {
		shown["trace_id"] = p.TraceID
	}
	if p.SpanID != "" {
		shown["span_id"] = p.SpanID
	}
	runes := 0
	for _, list := range []map[string]string{shown, p.Attributes} {
		for key, value := range list {
			runes += utf8.RuneCountInString(key) + utf8.RuneCountInString(value)
		}
	}
	if runes <= maxExemplarRunes {
		maps.Copy(shown, p.Attributes)
	}
	return shown
}
