package promql

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	upstream "github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"

	"github.com/telemetryflow/telemetryflow/queryserver/promql"
)

// both is an engine that gives what is evaluated with push-down. Where something was
// pushed down it evaluates the query without it too, and the answers have to be equal.
type both struct{ on, off *promql.Engine }

func (b both) NewInstantQuery(ctx context.Context, q storage.Queryable, opts upstream.QueryOpts, text string, at time.Time) (upstream.Query, error) {
	return b.pair(func(e *promql.Engine) (upstream.Query, error) { return e.NewInstantQuery(ctx, q, opts, text, at) })
}

func (b both) NewRangeQuery(ctx context.Context, q storage.Queryable, opts upstream.QueryOpts, text string, from, to time.Time, step time.Duration) (upstream.Query, error) {
	return b.pair(func(e *promql.Engine) (upstream.Query, error) {
		return e.NewRangeQuery(ctx, q, opts, text, from, to, step)
	})
}

func (b both) pair(prepare func(*promql.Engine) (upstream.Query, error)) (upstream.Query, error) {
	on, err := prepare(b.on)
	if err != nil {
		return nil, err
	}
	return &pair{on, func() (upstream.Query, error) { return prepare(b.off) }}, nil
}

var errDiffers = errors.New("the answers differ")

type pair struct {
	upstream.Query

	off func() (upstream.Query, error)
}

func (p *pair) Exec(ctx context.Context) *upstream.Result {
	got := p.Query.Exec(ctx)
	if pushed, can := p.Query.(interface{ Pushed() bool }); !can || !pushed.Pushed() {
		return got
	}
	q, err := p.off()
	if err != nil {
		return &upstream.Result{Err: err}
	}
	want := q.Exec(ctx)
	if (want.Err == nil) != (got.Err == nil) || fmt.Sprint(want.Warnings) != fmt.Sprint(got.Warnings) {
		return &upstream.Result{Err: fmt.Errorf("pushed down: %v, fetched: %v: %w", got.Warnings, want.Warnings, errors.Join(errDiffers, got.Err, want.Err))}
	}
	if want.Err == nil {
		if difference := differ(want.Value.String(), got.Value.String(), seriesOf(want), seriesOf(got)); difference != "" {
			return &upstream.Result{Err: fmt.Errorf("pushed down: %s", difference)}
		}
	}
	return got
}

// tolerance is relative.
const tolerance = 1e-9

func near(a, b float64) bool {
	return a == b || math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= tolerance*max(math.Abs(a), math.Abs(b))
}

// seriesOf are the numbers of a result by labels and time.
func seriesOf(r *upstream.Result) map[string]map[int64]float64 {
	found := make(map[string]map[int64]float64)
	put := func(l labels.Labels, t int64, v float64) {
		if found[l.String()] == nil {
			found[l.String()] = make(map[int64]float64)
		}
		found[l.String()][t] = v
	}
	switch value := r.Value.(type) {
	case upstream.Vector:
		for _, s := range value {
			put(s.Metric, s.T, s.F)
		}
	case upstream.Matrix:
		for _, s := range value {
			for _, p := range s.Floats {
				put(s.Metric, p.T, p.F)
			}
		}
	case upstream.Scalar:
		put(labels.EmptyLabels(), value.T, value.V)
	}
	return found
}

func differ(wantText, gotText string, want, got map[string]map[int64]float64) string {
	if len(want) != len(got) {
		return fmt.Sprintf("%s, fetched: %s", gotText, wantText)
	}
	for l, points := range want {
		if len(points) != len(got[l]) {
			return fmt.Sprintf("%s, fetched: %s", gotText, wantText)
		}
		for t, v := range points {
			if other, has := got[l][t]; !has || !near(v, other) {
				return fmt.Sprintf("%s at %d is %v, fetched: %v", l, t, other, v)
			}
		}
	}
	return ""
}
