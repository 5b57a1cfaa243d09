package promql

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// question asks for the points of some series. Running sums of deltas begin earlier, to
// find out which series have begun before.
func (l *loading) question(kind int, ids []uint64) queryserver.PointsQuestion {
	from := l.from
	if l.deltas {
		from -= l.settings.Lookback.Milliseconds()
	}
	return queryserver.PointsQuestion{
		In: between(from, l.to), Metrics: slices.Sorted(maps.Keys(l.metrics[kind])), Series: ids, Limit: l.budget(),
	}
}

// read gets the samples.
func (l *loading) read(ctx context.Context) error {
	if l.function == labelsOnly {
		return l.readBounds(ctx)
	}
	if err := l.readNumbers(ctx); err != nil {
		return err
	}
	return l.readHistograms(ctx)
}

func (l *loading) readNumbers(ctx context.Context) error {
	if len(l.numbers) == 0 {
		return nil
	}
	q := l.question(0, slices.Sorted(maps.Keys(l.numbers)))
	var read int
	var last uint64
	var into *stream
	err := l.store.ReadPoints(ctx, l.scope, q, func(p queryserver.Point) {
		read++
		if into == nil || p.Series != last {
			last, into = p.Series, l.numbers[p.Series]
		}
		switch {
		case into == nil || p.Time < l.from && !into.delta:
		case p.Missing:
			into.number(p.Time, p.Start, stale())
		default:
			into.number(p.Time, p.Start, p.Value)
		}
	})
	if err != nil {
		return err
	}
	return l.spend(read)
}

func (l *loading) readHistograms(ctx context.Context) error {
	if len(l.histograms) == 0 {
		return nil
	}
	q := l.question(1, slices.Sorted(maps.Keys(l.histograms)))
	var read int
	err := l.store.ReadHistograms(ctx, l.scope, q, l.parts, func(p *queryserver.HistogramPoint) {
		read += 1 + len(p.Counts) + len(p.Positive) + len(p.Negative) + len(p.Quantiles)
		if x := l.histograms[p.Series]; x != nil && (p.Time >= l.from || x.series.Delta) {
			x.add(p)
		}
	})
	if err != nil {
		return err
	}
	return l.spend(read)
}

// readBounds finds the values of le and quantile, which are in the points.
func (l *loading) readBounds(ctx context.Context) error {
	if !l.parts.Explicit && !l.parts.Quantiles {
		return nil
	}
	bounds, err := l.store.SeriesBounds(ctx, l.scope, l.question(1, slices.Sorted(maps.Keys(l.histograms))))
	if err != nil {
		return err
	}
	for id, values := range bounds {
		if x := l.histograms[id]; x != nil {
			x.bounds(values)
		}
	}
	return nil
}

// targetInterval is how often target_info has a sample while a resource sends: half the
// look-back, as Prometheus makes it.
func (q *Queryable) targetInterval() time.Duration { return q.settings.Lookback / 2 } //nolint:mnd // see above

// targets makes target_info: 1 while a resource sends.
func (l *loading) targets(ctx context.Context) error {
	in := between(l.from, l.to)
	found, err := l.limited(ctx, queryserver.SeriesQuestion{In: in, Conditions: l.names.targetConditions(l.matchers)})
	if err != nil {
		return err
	}
	streams, ids, names := make(map[uint64]*entry), []uint64{}, make(map[string]bool)
	for i := range found {
		shown, has := l.names.target(found[i].Resource)
		if !has || !matchesAll(shown, l.matchers) {
			continue
		}
		streams[found[i].ID] = l.into.of(shown)
		ids, names[found[i].Name] = append(ids, found[i].ID), true
	}
	if len(ids) == 0 || l.function == labelsOnly {
		return nil
	}
	seen, err := l.store.SeriesSeen(ctx, l.scope, queryserver.PointsQuestion{In: in, Metrics: slices.Sorted(maps.Keys(names)), Series: ids}, l.targetInterval())
	if err != nil {
		return err
	}
	slices.SortFunc(seen, func(a, b queryserver.SeriesSeen) int { return cmp.Compare(a.Time, b.Time) })
	for _, s := range seen {
		if e := streams[s.Series]; e != nil {
			if len(e.streams) == 0 {
				e.stream(false)
			}
			e.streams[0].number(s.Time, 0, 1)
		}
	}
	return l.spend(len(seen))
}

// targetConditions are those that the store can check of a resource: that a label has one
// of some values.
func (n *names) targetConditions(matchers []*labels.Matcher) []queryserver.SeriesCondition {
	var found []queryserver.SeriesCondition
	for _, c := range n.conditions(matchers) {
		if c.Not || len(c.In) == 0 || slices.Contains(c.In, "") {
			continue
		}
		for i := range c.Texts {
			c.Texts[i].Resource = true
		}
		found = append(found, c)
	}
	return found
}
