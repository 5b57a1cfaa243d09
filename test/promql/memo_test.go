package promql

import (
	"context"
	"fmt"
	"sync"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// memo remembers the families and the series of one tenant between two loads: the suite
// asks for the same ones some thousand times. Samples are always read.
type memo struct {
	queryserver.SeriesReader

	mu       sync.Mutex
	families map[string][]queryserver.DescribedFamily
	series   map[string][]queryserver.StoredSeries
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
