package promql

import (
	"context"
	"fmt"
	"sync"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// memo remembers what was read of one tenant between two loads: the suite asks the same
// questions some thousand times.
type memo struct {
	queryserver.SeriesReader

	mu       sync.Mutex
	families map[string][]queryserver.DescribedFamily
	series   map[string][]queryserver.StoredSeries
	points   map[string][]queryserver.Point
	buckets  map[string][]*queryserver.HistogramPoint
}

func newMemo(reader queryserver.SeriesReader) *memo {
	m := &memo{SeriesReader: reader}
	m.forget()
	return m
}

func (m *memo) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.families, m.series = make(map[string][]queryserver.DescribedFamily), make(map[string][]queryserver.StoredSeries)
	m.points, m.buckets = make(map[string][]queryserver.Point), make(map[string][]*queryserver.HistogramPoint)
}

func remembered[T any](m *memo, of map[string]T, question any, load func() (T, error)) (T, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := fmt.Sprintf("%+v", question)
	known, has := of[key]
	if has {
		return known, nil
	}
	value, err := load()
	if err == nil {
		of[key] = value
	}
	return value, err
}

func (m *memo) SeriesFamilies(ctx context.Context, scope queryserver.Scope, in queryserver.TimeRange) ([]queryserver.DescribedFamily, error) {
	return remembered(m, m.families, in, func() ([]queryserver.DescribedFamily, error) { return m.SeriesReader.SeriesFamilies(ctx, scope, in) })
}

func (m *memo) FindSeries(ctx context.Context, scope queryserver.Scope, q queryserver.SeriesQuestion) ([]queryserver.StoredSeries, error) {
	const day = 24 * 60 * 60
	q.In.From, q.In.To = q.In.From.Truncate(day*1e9), q.In.To.Add(-1).Truncate(day*1e9).Add(day*1e9)
	return remembered(m, m.series, q, func() ([]queryserver.StoredSeries, error) { return m.SeriesReader.FindSeries(ctx, scope, q) })
}

func (m *memo) ReadPoints(ctx context.Context, scope queryserver.Scope, q queryserver.PointsQuestion, each func(queryserver.Point)) error {
	q.Limit = 0
	all, err := remembered(m, m.points, q, func() (found []queryserver.Point, err error) {
		err = m.SeriesReader.ReadPoints(ctx, scope, q, func(p queryserver.Point) { found = append(found, p) })
		return found, err
	})
	for _, p := range all {
		each(p)
	}
	return err
}

func (m *memo) ReadHistograms(ctx context.Context, scope queryserver.Scope, q queryserver.PointsQuestion, parts queryserver.HistogramParts, each func(*queryserver.HistogramPoint)) error {
	q.Limit = 0
	all, err := remembered(m, m.buckets, []any{q, parts}, func() (found []*queryserver.HistogramPoint, err error) {
		err = m.SeriesReader.ReadHistograms(ctx, scope, q, parts, func(p *queryserver.HistogramPoint) { found = append(found, p) })
		return found, err
	})
	for _, p := range all {
		each(p)
	}
	return err
}
