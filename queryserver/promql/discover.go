package promql

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// selectors are the matchers of a selection; one empty list for all series.
func (s *Service) selectors(q queryserver.PromSelection) ([][]*labels.Matcher, error) {
	if len(q.Match) == 0 {
		return [][]*labels.Matcher{nil}, nil
	}
	for _, text := range q.Match {
		if len(text) > s.settings.Limits.QueryBytes {
			return nil, queryserver.Errorf(queryserver.Invalid, "invalid parameter %q: longer than %d bytes", "match[]", s.settings.Limits.QueryBytes)
		}
	}
	parsed, err := s.language.ParseMetricSelectors(q.Match)
	if err != nil {
		return nil, refused("match[]", err)
	}
	for _, matchers := range parsed {
		if !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches("") }) {
			return nil, queryserver.Errorf(queryserver.Invalid, "match[] must contain at least one non-empty matcher")
		}
		if err := s.checkMatchers("match[]", matchers); err != nil {
			return nil, err
		}
	}
	return parsed, nil
}

// querier is of the time of a selection, at most the longest that may be read.
func (s *Service) querier(scope queryserver.Scope, q queryserver.PromSelection) *querier {
	from, to := q.From, q.To
	if now := time.Now().Add(time.Hour); to.After(now) {
		to = now // nothing is from later, but for clocks that go wrong
	}
	if earliest := to.Add(-s.settings.Limits.Range); from.Before(earliest) {
		from = earliest
	}
	return &querier{NewQueryable(&s.settings, s.store, scope), from.UnixMilli(), to.UnixMilli()}
}

// PromSeries is that of queryserver.PromQL.
func (s *Service) PromSeries(ctx context.Context, scope queryserver.Scope, q queryserver.PromSelection) (queryserver.PromAnswer, error) {
	selectors, err := s.selectors(q)
	if err != nil {
		return queryserver.PromAnswer{}, err
	}
	querier, hints := s.querier(scope, q), &storage.SelectHints{Func: labelsOnly}
	hints.Start, hints.End = querier.from, querier.to
	found := make(map[string]labels.Labels)
	for _, matchers := range selectors {
		set := querier.Select(ctx, false, hints, matchers...)
		for set.Next() {
			l := set.At().Labels()
			found[l.String()] = l
		}
		if set.Err() != nil {
			return queryserver.PromAnswer{}, failed(set.Err())
		}
	}
	all := slices.SortedFunc(maps.Values(found), labels.Compare)
	return listed(all, q.Limit)
}

// listed is an answer that is a list, of which a limit keeps the beginning.
func listed[T any](all []T, limit int) (queryserver.PromAnswer, error) {
	answer := queryserver.PromAnswer{}
	if limit > 0 && len(all) > limit {
		all, answer.Truncated, answer.Warnings = all[:limit], true, []string{truncated}
	}
	if all == nil {
		all = []T{}
	}
	text, err := json.Marshal(all)
	if err != nil {
		return answer, fmt.Errorf("write a list: %w", err)
	}
	answer.Data = string(text)
	return answer, nil
}

// PromLabelNames is that of queryserver.PromQL.
func (s *Service) PromLabelNames(ctx context.Context, scope queryserver.Scope, q queryserver.PromSelection) (queryserver.PromAnswer, error) {
	return s.labels(ctx, scope, q, func(querier *querier, matchers []*labels.Matcher) ([]string, error) {
		names, _, err := querier.LabelNames(ctx, nil, matchers...)
		return names, err
	})
}

// PromLabelValues is that of queryserver.PromQL.
func (s *Service) PromLabelValues(ctx context.Context, scope queryserver.Scope, label string, q queryserver.PromSelection) (queryserver.PromAnswer, error) {
	label = model.UnescapeName(label, model.ValueEncodingEscaping)
	if !model.UTF8Validation.IsValidLabelName(label) {
		return queryserver.PromAnswer{}, queryserver.Errorf(queryserver.Invalid, "invalid label name: %q", label)
	}
	return s.labels(ctx, scope, q, func(querier *querier, matchers []*labels.Matcher) ([]string, error) {
		values, _, err := querier.LabelValues(ctx, label, nil, matchers...)
		return values, err
	})
}

func (s *Service) labels(_ context.Context, scope queryserver.Scope, q queryserver.PromSelection, find func(*querier, []*labels.Matcher) ([]string, error)) (queryserver.PromAnswer, error) {
	selectors, err := s.selectors(q)
	if err != nil {
		return queryserver.PromAnswer{}, err
	}
	querier := s.querier(scope, q)
	var all []string
	for _, matchers := range selectors {
		found, err := find(querier, matchers)
		if err != nil {
			return queryserver.PromAnswer{}, failed(err)
		}
		all = append(all, found...)
	}
	slices.Sort(all)
	return listed(slices.Compact(all), q.Limit)
}

// described is Prometheus' metadata of a metric.
type described struct {
	Type model.MetricType `json:"type"`
	Help string           `json:"help"`
	Unit string           `json:"unit"`
}

// metadataRange is how far back metadata are looked for.
const metadataRange = 7 * 24 * time.Hour

// PromMetadata is that of queryserver.PromQL.
func (s *Service) PromMetadata(ctx context.Context, scope queryserver.Scope, metric string, limit, limitPerMetric int) (queryserver.PromAnswer, error) {
	now := time.Now()
	families, err := s.store.SeriesFamilies(ctx, scope, queryserver.TimeRange{From: now.Add(-metadataRange), To: now.Add(time.Hour)})
	if err != nil {
		return queryserver.PromAnswer{}, failed(err)
	}
	names, found := newNames(&s.settings), make(map[string][]described)
	for _, family := range families {
		shown := names.of(family.SeriesFamily)
		if len(shown) == 0 {
			continue
		}
		name := baseName(shown)
		one := described{promType(family.SeriesFamily), family.Description, family.Unit}
		skip := metric != "" && name != metric || limitPerMetric > 0 && len(found[name]) >= limitPerMetric || slices.Contains(found[name], one)
		if !skip {
			found[name] = append(found[name], one)
		}
	}
	answer := queryserver.PromAnswer{}
	if limit > 0 && len(found) > limit {
		for _, name := range slices.SortedFunc(maps.Keys(found), cmp.Compare[string])[limit:] {
			delete(found, name)
		}
		answer.Truncated, answer.Warnings = true, []string{truncated}
	}
	text, err := json.Marshal(found)
	if err != nil {
		return answer, fmt.Errorf("write metadata: %w", err)
	}
	answer.Data = string(text)
	return answer, nil
}
