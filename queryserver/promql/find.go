package promql

import (
	"context"
	"math"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// labelsOnly is the function of selections that need no samples, Prometheus' own word.
const labelsOnly = "series"

// selection is what a selector asks for: samples from and to times that are both included.
type selection struct {
	from, to int64
	function string // that is to be computed of the samples
	matchers []*labels.Matcher
}

// find gives the series of a selection, those without samples left out.
func (q *Queryable) find(ctx context.Context, s selection) ([]*series, error) {
	into := newEntries()
	in := between(s.from, s.to)
	if !in.From.Before(in.To) {
		return nil, nil
	}
	shown, err := q.metrics(ctx, in)
	if err != nil {
		return nil, err
	}
	chosen := named(shown, s.matchers)
	stored, err := q.stored(ctx, in, chosen, s.matchers)
	if err != nil {
		return nil, err
	}
	load := &loading{Queryable: q, selection: s, into: into}
	load.sort(chosen, stored)
	if err := load.read(ctx); err != nil {
		return nil, err
	}
	if nameMatches(targetInfo, s.matchers) {
		if err := load.targets(ctx); err != nil {
			return nil, err
		}
	}
	return load.finish()
}

// stored are the series whose metrics are shown under some names.
func (q *Queryable) stored(ctx context.Context, in queryserver.TimeRange, shown []metric, matchers []*labels.Matcher) ([]queryserver.StoredSeries, error) {
	if len(shown) == 0 {
		return nil, nil
	}
	return q.limited(ctx, queryserver.SeriesQuestion{In: in, Metrics: otlpNames(shown), Conditions: q.names.conditions(matchers)})
}

// limited finds series, and refuses too many.
func (q *Queryable) limited(ctx context.Context, asked queryserver.SeriesQuestion) ([]queryserver.StoredSeries, error) {
	asked.Limit = q.settings.Limits.Series
	found, err := q.store.FindSeries(ctx, q.scope, asked)
	if err != nil {
		return nil, err
	}
	if len(found) > asked.Limit {
		return nil, queryserver.Errorf(queryserver.Execution, "a selector matches more than %d series; add matchers, or take a shorter range", asked.Limit)
	}
	return found, nil
}

// loading is a selection under way: which stored series go where.
type loading struct {
	*Queryable
	selection

	into       *entries
	numbers    map[uint64]*stream
	histograms map[uint64]*expansion
	parts      queryserver.HistogramParts
	metrics    [2]map[string]bool // names of metrics with numbers, and with histograms
	deltas     bool
}

// sort gives each stored series its place among the entries.
func (l *loading) sort(chosen []metric, stored []queryserver.StoredSeries) {
	l.numbers, l.histograms = make(map[uint64]*stream), make(map[uint64]*expansion)
	l.metrics = [2]map[string]bool{make(map[string]bool), make(map[string]bool)}
	byFamily := make(map[queryserver.SeriesFamily][]metric)
	for _, m := range chosen {
		byFamily[m.family] = append(byFamily[m.family], m)
	}
	for i := range stored {
		for _, m := range byFamily[stored[i].SeriesFamily] {
			l.place(m, &stored[i])
		}
	}
}

// place shows a series as a metric, unless the matchers leave it out. le and quantile are
// looked at when they are known.
func (l *loading) place(m metric, s *queryserver.StoredSeries) {
	shown := l.names.series(m.name, s)
	if m.part == bucketPart || m.part == quantilePart {
		if !matchesAll(shown, without(l.matchers, splitLabel(m.part))) {
			return
		}
	} else if !matchesAll(shown, l.matchers) {
		return
	}
	l.deltas = l.deltas || s.Delta
	switch s.Kind {
	case queryserver.GaugeSeries, queryserver.SumSeries:
		l.numbers[s.ID] = l.into.of(shown).stream(s.Delta)
		l.metrics[0][s.Name] = true
		return
	}
	x := l.histograms[s.ID]
	if x == nil {
		x = &expansion{series: s, matchers: l.matchers, into: l.into, split: make(map[part]labels.Labels), parts: make(map[string]*stream)}
		l.histograms[s.ID] = x
	}
	x.show(m.part, shown)
	l.metrics[1][s.Name] = true
	l.parts.Totals = true // cheap, and which of them is asked for seldom matters
	l.parts.Explicit = l.parts.Explicit || m.part == bucketPart || m.part == whole && s.Kind == queryserver.HistogramSeries
	l.parts.Exponential = l.parts.Exponential || s.Kind == queryserver.ExponentialSeries
	l.parts.Quantiles = l.parts.Quantiles || m.part == quantilePart
}

func splitLabel(as part) string {
	if as == quantilePart {
		return model.QuantileLabel
	}
	return model.BucketLabel
}

func without(matchers []*labels.Matcher, label string) []*labels.Matcher {
	var kept []*labels.Matcher
	for _, m := range matchers {
		if m.Name != label {
			kept = append(kept, m)
		}
	}
	return kept
}

// finish makes series of the entries.
func (l *loading) finish() ([]*series, error) {
	var found []*series
	for _, e := range l.into.all {
		for _, s := range e.streams {
			if s.delta {
				if err := cumulate(&s.samples, l.from, counting(l.function)); err != nil {
					return nil, err
				}
			}
		}
		made := &series{e.labels, e.merged()}
		hint(made.samples)
		if len(made.samples.times) > 0 || l.function == labelsOnly {
			found = append(found, made)
		}
	}
	return found, nil
}

// spend counts samples that were read.
func (q *Queryable) spend(samples int) error {
	if q.left -= samples; q.left < 0 {
		return promql.ErrTooManySamples("query execution")
	}
	return nil
}

// budget is how many samples may still be read, at least one.
func (q *Queryable) budget() int { return max(1, min(q.left, math.MaxInt32)) }
