package promql

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// Queryable is what a scope may see, as storage for the engine. It is for one query: it
// remembers what it has found out. It is not safe for concurrent use, which the engine
// does not make of it.
type Queryable struct {
	settings *Settings
	store    queryserver.SeriesReader
	scope    queryserver.Scope
	names    *names
	families map[queryserver.TimeRange][]queryserver.DescribedFamily
	left     int // samples that may still be read
}

// NewQueryable makes the storage of one query.
func NewQueryable(settings *Settings, store queryserver.SeriesReader, scope queryserver.Scope) *Queryable {
	return &Queryable{
		settings: settings, store: store, scope: scope, names: newNames(settings),
		families: make(map[queryserver.TimeRange][]queryserver.DescribedFamily), left: settings.Limits.Samples,
	}
}

// Querier is that of storage.Queryable.
func (q *Queryable) Querier(from, to int64) (storage.Querier, error) {
	return &querier{q, from, to}, nil
}

// between is a range of milliseconds, both included, of times that OTLP has.
func between(from, to int64) queryserver.TimeRange {
	from, to = max(from, 0), min(to, maxTime)
	return queryserver.TimeRange{From: time.UnixMilli(from).UTC(), To: time.UnixMilli(to + 1).UTC()}
}

// maxTime is the end of what nanoseconds in 64 bits can say, less than a second before
// 2262-04-11T23:47:16Z.
const maxTime = int64(1<<63-1)/1e6 - 1000

// metrics are all that families of the days of a range are shown as.
func (q *Queryable) metrics(ctx context.Context, in queryserver.TimeRange) ([]metric, error) {
	const day = 24 * time.Hour
	in = queryserver.TimeRange{From: in.From.Truncate(day), To: in.To.Add(-1).Truncate(day).Add(day)}
	families, known := q.families[in]
	if !known {
		var err error
		if families, err = q.store.SeriesFamilies(ctx, q.scope, in); err != nil {
			return nil, err
		}
		q.families[in] = families
	}
	var shown []metric
	for _, family := range families {
		shown = append(shown, q.names.of(family.SeriesFamily)...)
	}
	return shown, nil
}

type querier struct {
	*Queryable

	from, to int64
}

// Select is that of storage.Querier.
func (q *querier) Select(ctx context.Context, sorted bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	from, to, function := q.from, q.to, ""
	if hints != nil {
		from, to, function = hints.Start, hints.End, hints.Func
	}
	return &lazySet{load: func() ([]*series, error) {
		found, err := q.find(ctx, selection{from: from, to: to, function: function, matchers: matchers})
		if err != nil {
			return nil, err
		}
		if sorted {
			slices.SortFunc(found, func(a, b *series) int { return labels.Compare(a.labels, b.labels) })
		}
		return found, nil
	}}
}

// LabelValues is that of storage.LabelQuerier.
func (q *querier) LabelValues(ctx context.Context, name string, _ *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	if name == model.MetricNameLabel && onlyNames(matchers) {
		found, err := q.metricNames(ctx, matchers)
		return found, nil, err
	}
	found, err := q.find(ctx, selection{from: q.from, to: q.to, function: labelsOnly, matchers: matchers})
	if err != nil {
		return nil, nil, err
	}
	values := make(map[string]bool)
	for _, s := range found {
		if value := s.labels.Get(name); value != "" {
			values[value] = true
		}
	}
	return slices.Sorted(maps.Keys(values)), nil, nil
}

func onlyNames(matchers []*labels.Matcher) bool {
	return !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return m.Name != model.MetricNameLabel })
}

// metricNames needs no series.
func (q *querier) metricNames(ctx context.Context, matchers []*labels.Matcher) ([]string, error) {
	shown, err := q.metrics(ctx, between(q.from, q.to))
	if err != nil {
		return nil, err
	}
	found := make(map[string]bool)
	for _, m := range named(shown, matchers) {
		found[m.name] = true
	}
	if len(shown) > 0 && nameMatches(targetInfo, matchers) {
		found[targetInfo] = true
	}
	return slices.Sorted(maps.Keys(found)), nil
}

// LabelNames is that of storage.LabelQuerier.
func (q *querier) LabelNames(ctx context.Context, _ *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	found, err := q.find(ctx, selection{from: q.from, to: q.to, function: labelsOnly, matchers: matchers})
	if err != nil {
		return nil, nil, err
	}
	names := make(map[string]bool)
	for _, s := range found {
		s.labels.Range(func(l labels.Label) { names[l.Name] = true })
	}
	return slices.Sorted(maps.Keys(names)), nil, nil
}

// Close is that of storage.LabelQuerier.
func (*querier) Close() error { return nil }
