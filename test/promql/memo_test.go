package promql

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// memo remembers what was read of one tenant between two loads: the suite asks the same
// questions some thousand times. Wide, it reads samples of whole days and chooses of them:
// the longest files ask for as many ranges as they have cases.
type memo struct {
	queryserver.SeriesReader

	wide bool

	mu       sync.Mutex
	families map[string][]queryserver.DescribedFamily
	series   map[string][]queryserver.StoredSeries
	points   map[string][]queryserver.Point
	buckets  map[string][]*queryserver.HistogramPoint
}

func newMemo(reader queryserver.SeriesReader, wide bool) *memo {
	m := &memo{SeriesReader: reader, wide: wide}
	m.forget()
	return m
}

func (m *memo) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.families, m.series = make(map[string][]queryserver.DescribedFamily), make(map[string][]queryserver.StoredSeries)
	m.points, m.buckets = make(map[string][]queryserver.Point), make(map[string][]*queryserver.HistogramPoint)
}

func days(in queryserver.TimeRange) queryserver.TimeRange {
	const day = 24 * time.Hour
	return queryserver.TimeRange{From: in.From.Truncate(day), To: in.To.Add(-1).Truncate(day).Add(day)}
}

// choose gives the range to read, and which of the samples were asked for.
func (m *memo) choose(q *queryserver.PointsQuestion) func(ms int64) bool {
	asked := q.In
	q.Limit = 0
	if m.wide {
		q.In = days(q.In)
	}
	return func(ms int64) bool { return ms >= asked.From.UnixMilli() && ms < asked.To.UnixMilli() }
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
	q.In = days(q.In)
	return remembered(m, m.series, q, func() ([]queryserver.StoredSeries, error) { return m.SeriesReader.FindSeries(ctx, scope, q) })
}

func (m *memo) ReadPoints(ctx context.Context, scope queryserver.Scope, q queryserver.PointsQuestion, each func(queryserver.Point)) error {
	asked := m.choose(&q)
	all, err := remembered(m, m.points, q, func() (found []queryserver.Point, err error) {
		err = m.SeriesReader.ReadPoints(ctx, scope, q, func(p queryserver.Point) { found = append(found, p) })
		return found, err
	})
	for _, p := range all {
		if asked(p.Time) {
			each(p)
		}
	}
	return err
}

func (m *memo) ReadHistograms(ctx context.Context, scope queryserver.Scope, q queryserver.PointsQuestion, parts queryserver.HistogramParts, each func(*queryserver.HistogramPoint)) error {
	asked := m.choose(&q)
	all, err := remembered(m, m.buckets, []any{q, parts}, func() (found []*queryserver.HistogramPoint, err error) {
		err = m.SeriesReader.ReadHistograms(ctx, scope, q, parts, func(p *queryserver.HistogramPoint) { found = append(found, p) })
		return found, err
	})
	for _, p := range all {
		if asked(p.Time) {
			each(p)
		}
	}
	return err
}
