package promql

import (
	"context"
	"crypto/rand"
	"errors"
	"math"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/promql"
)

// tenantStorage is a storage.Storage that holds series in the tables, as a tenant's own.
// Their times begin at 1970, which no retention keeps, so that they do not come by the
// exporter.
type tenantStorage struct {
	settings *promql.Settings
	reader   *memo
	conn     driver.Conn
	of       tenant.Scope
	// lost are the series that OTLP cannot hold, by name.
	lost func(name, reason string)
}

func newStorage(settings *promql.Settings, reader *memo, conn driver.Conn, lost func(name, reason string)) *tenantStorage {
	var id tenant.ID
	_, _ = rand.Read(id[:])
	return &tenantStorage{settings, reader, conn, tenant.Scope{Workspace: tenant.ID{1}, Tenant: id}, lost}
}

func (s *tenantStorage) Own() *promql.Queryable {
	scope := queryserver.NewScope(tenant.ID{1}, s.of, map[queryserver.Permission]queryserver.Filter{queryserver.MetricsRead: {}})
	return promql.NewQueryable(s.settings, s.reader, scope)
}

func (s *tenantStorage) Querier(from, to int64) (storage.Querier, error) {
	return s.Own().Querier(from, to)
}
func (s *tenantStorage) StartTime() (int64, error)                 { return 0, nil }
func (s *tenantStorage) Close() error                              { return nil }
func (s *tenantStorage) Appender(context.Context) storage.Appender { panic("not used") }
func (s *tenantStorage) ChunkQuerier(int64, int64) (storage.ChunkQuerier, error) {
	return nil, errors.New("not used")
}

func (s *tenantStorage) AppenderV2(ctx context.Context) storage.AppenderV2 {
	return &appender{ctx: ctx, into: s, series: make(map[seriesDay]labels.Labels)}
}

// kinds of series, as the enumeration of metric_series.
const (
	gauge       = "gauge"
	explicit    = "histogram"
	exponential = "exponential_histogram"
)

type seriesDay struct {
	id   uint64
	kind string
	day  time.Time
}

type sample struct {
	id    uint64
	name  string
	start time.Time
	at    time.Time
	v     float64
	h     *histogram.FloatHistogram
}

type appender struct {
	ctx        context.Context
	into       *tenantStorage
	series     map[seriesDay]labels.Labels
	numbers    []sample
	histograms []sample
}

func (a *appender) Append(_ storage.SeriesRef, l labels.Labels, start, t int64, v float64, _ *histogram.Histogram, h *histogram.FloatHistogram, _ storage.AppendV2Options) (storage.SeriesRef, error) {
	kind := gauge
	if h != nil {
		kind = exponential
		if h.Schema == histogram.CustomBucketsSchema {
			kind = explicit
		}
		if reason := unrepresentable(h); reason != "" {
			a.into.lost(l.Get(model.MetricNameLabel), reason)
			return 0, nil
		}
	}
	s := sample{id: l.Hash() + uint64(len(kind)), name: l.Get(model.MetricNameLabel), at: time.UnixMilli(t).UTC(), v: v, h: h}
	s.start = time.UnixMilli(start).UTC()
	a.series[seriesDay{s.id, kind, s.at.Truncate(24 * time.Hour)}] = l
	if h != nil {
		a.histograms = append(a.histograms, s)
	} else {
		a.numbers = append(a.numbers, s)
	}
	return 0, nil
}

// unrepresentable says what of a histogram OTLP has no place for.
func unrepresentable(h *histogram.FloatHistogram) string {
	whole := func(v float64) bool { return v >= 0 && v == math.Trunc(v) && v < 1<<63 }
	if value.IsStaleNaN(h.Sum) {
		return ""
	}
	if !whole(h.Count) || !whole(h.ZeroCount) {
		return "counts that are no whole numbers"
	}
	for _, count := range append(append([]float64{}, h.PositiveBuckets...), h.NegativeBuckets...) {
		if !whole(count) {
			return "counts that are no whole numbers"
		}
	}
	if h.CounterResetHint == histogram.GaugeType || h.CounterResetHint == histogram.CounterReset {
		return "a hint of a reset or of a gauge"
	}
	return ""
}

func (a *appender) Rollback() error { return nil }

func (a *appender) Commit() error {
	defer a.into.reader.forget()
	return errors.Join(a.writeSeries(), a.writeNumbers(), a.writeHistograms())
}

// later is the day on which rows of tests expire.
var later = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

func (a *appender) batch(statement string, fill func(driver.Batch) error) error {
	batch, err := a.into.conn.PrepareBatch(a.ctx, statement)
	if err != nil {
		return err
	}
	defer batch.Close()
	if err := fill(batch); err != nil {
		return err
	}
	return batch.Send()
}

func (a *appender) writeSeries() error {
	return a.batch("INSERT INTO metric_series (workspace_id, tenant_id, metric_name, series_id, day, expires_at, kind, attributes)", func(b driver.Batch) error {
		for of, l := range a.series {
			attributes := l.Map()
			delete(attributes, model.MetricNameLabel)
			err := b.Append(a.into.of.Workspace.String(), a.into.of.Tenant.String(), l.Get(model.MetricNameLabel), of.id, of.day, later, of.kind, attributes)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (a *appender) writeNumbers() error {
	if len(a.numbers) == 0 {
		return nil
	}
	return a.batch("INSERT INTO metric_samples (workspace_id, tenant_id, metric_name, series_id, timestamp, start_timestamp, value, value_type, flags, expires_at)", func(b driver.Batch) error {
		for _, s := range a.numbers {
			var flags uint32
			if value.IsStaleNaN(s.v) {
				flags, s.v = 1, 0
			}
			err := b.Append(a.into.of.Workspace.String(), a.into.of.Tenant.String(), s.name, s.id, s.at, s.start, s.v, "double", flags, later)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (a *appender) writeHistograms() error {
	if len(a.histograms) == 0 {
		return nil
	}
	return a.batch(`INSERT INTO metric_histogram_samples (workspace_id, tenant_id, metric_name, series_id, timestamp, start_timestamp, flags, count, sum, present,
		explicit_bounds, bucket_counts, scale, zero_count, zero_threshold, positive_offset, positive_bucket_counts, negative_offset, negative_bucket_counts, expires_at)`,
		func(b driver.Batch) error {
			for _, s := range a.histograms {
				p := pointOf(s.h)
				err := b.Append(a.into.of.Workspace.String(), a.into.of.Tenant.String(), s.name, s.id, s.at, s.start, p.flags, uint64(p.h.Count), p.h.Sum, uint8(1),
					p.h.CustomValues, p.counts, p.h.Schema, uint64(p.h.ZeroCount), p.h.ZeroThreshold, p.positiveOffset, p.positive, p.negativeOffset, p.negative, later)
				if err != nil {
					return err
				}
			}
			return nil
		})
}

// point is a histogram as OTLP has it.
type point struct {
	h                              *histogram.FloatHistogram
	flags                          uint32
	counts                         []uint64 // of explicit bounds
	positiveOffset, negativeOffset int32
	positive, negative             []uint64
}

func pointOf(h *histogram.FloatHistogram) point {
	if value.IsStaleNaN(h.Sum) {
		return point{h: &histogram.FloatHistogram{}, flags: 1}
	}
	p := point{h: h}
	if h.Schema == histogram.CustomBucketsSchema {
		p.counts = make([]uint64, len(h.CustomValues)+1)
		first, dense := denseOf(h.PositiveSpans, h.PositiveBuckets)
		copy(p.counts[first:], dense)
		p.h = h.Copy()
		p.h.Schema = 0
		return p
	}
	p.positiveOffset, p.positive = denseOf(h.PositiveSpans, h.PositiveBuckets)
	p.negativeOffset, p.negative = denseOf(h.NegativeSpans, h.NegativeBuckets)
	p.positiveOffset--
	p.negativeOffset--
	return p
}

// denseOf are the buckets from the first index on.
func denseOf(spans []histogram.Span, buckets []float64) (first int32, dense []uint64) {
	next := 0
	for i, span := range spans {
		if i == 0 {
			first = span.Offset
		} else {
			dense = append(dense, make([]uint64, span.Offset)...)
		}
		for range span.Length {
			dense = append(dense, uint64(buckets[next]))
			next++
		}
	}
	return first, dense
}
