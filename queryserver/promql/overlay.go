package promql

import (
	"context"
	"strconv"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
)

// overlay is storage with the results that the store has evaluated.
type overlay struct {
	storage.Queryable

	results [][]*series
}

// Querier is that of storage.Queryable.
func (o *overlay) Querier(from, to int64) (storage.Querier, error) {
	below, err := o.Queryable.Querier(from, to)
	if err != nil {
		return nil, err
	}
	return &overlayQuerier{below, o.results}, nil
}

type overlayQuerier struct {
	storage.Querier

	results [][]*series
}

// Select is that of storage.Querier.
func (o *overlayQuerier) Select(ctx context.Context, sorted bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	if len(matchers) == 1 && matchers[0].Name == pushedLabel {
		number, err := strconv.Atoi(matchers[0].Value)
		return &lazySet{loaded: true, all: o.results[number], err: err, i: -1}
	}
	return o.Querier.Select(ctx, sorted, hints, matchers...)
}
