package clickhouse

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/proto"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// exportRows is how many data points are read at once: about a megabyte.
const exportRows = 5000

// exportKey is where the data points of one statement end, in the order of the sort key.
// Points that share it come together, however many they are.
type exportKey struct {
	metric string
	series uint64
	nanos  uint64
}

// exported is a data point on its way out.
type exported struct {
	exportKey
	start        uint64
	flags        uint32
	value        float64
	exact        int64
	kind         string
	distribution *distributionRow
	exemplars    []*metricsv1.Exemplar
}

// ExportMetrics reads one table after the other, a page at a time, each in its tenant's
// turn.
func (s *Store) ExportMetrics(ctx context.Context, scope queryserver.Scope, q queryserver.MetricSelector, piece func([]byte) error) error {
	r, err := read(scope, queryserver.MetricsRead)
	if err != nil {
		return err
	}
	e := &metricExport{store: s, reading: r, selector: q, series: make(map[uint64]*otlpSeries), piece: piece}
	if err := e.table(ctx, samples(), chsql.List{chsql.SQL("value"), exactInteger(), chsql.SQL("toString(value_type)")}, func(p *exported) []any {
		return []any{&p.value, &p.exact, &p.kind}
	}); err != nil {
		return err
	}
	return e.table(ctx, histograms(), distributionColumns(), func(p *exported) []any {
		p.distribution = &distributionRow{}
		return p.distribution.into()
	})
}

type metricExport struct {
	store    *Store
	reading  *reading
	selector queryserver.MetricSelector
	series   map[uint64]*otlpSeries // of this page and the one before
	piece    func([]byte) error
}

func (e *metricExport) table(ctx context.Context, from *table, columns chsql.List, into func(*exported) []any) error {
	var after *exportKey
	for {
		query, err := e.reading.exportPage(from, e.selector, columns, after)
		if err != nil {
			return err
		}
		page, err := collect(ctx, e.store, e.reading, query, func(rows driver.Rows, p *exported) error {
			return rows.Scan(append([]any{&p.metric, &p.series, &p.nanos, &p.start, &p.flags}, into(p)...)...)
		})
		if err != nil || len(page) == 0 {
			return err
		}
		if err := e.send(ctx, page); err != nil {
			return err
		}
		if len(page) < exportRows {
			return nil
		}
		after = &page[len(page)-1].exportKey
	}
}

// exportPage is data points in the order of the sort key, so that a page reads no more
// than itself.
func (r *reading) exportPage(from *table, q queryserver.MetricSelector, columns chsql.List, after *exportKey) (chsql.Select, error) {
	query, err := r.points(from, q)
	if err != nil {
		return query, err
	}
	query.Columns = append(chsql.List{chsql.SQL("metric_name"), chsql.SQL("series_id"), sentNanos(chsql.SQL("timestamp")), sentNanos(chsql.SQL("start_timestamp")), chsql.SQL("flags")}, columns...)
	query.Where = append(query.Where, within(q.In))
	if after != nil {
		query.Where = append(query.Where, chsql.SQL("metric_name >= ?", chsql.String(after.metric)),
			chsql.SQL("(metric_name, series_id, timestamp) > (?, ?, ?)", chsql.String(after.metric), chsql.UInt64(after.series), chsql.Time(unixNano(after.nanos))))
	}
	query.OrderBy = chsql.List{chsql.SQL("metric_name"), chsql.SQL("series_id"), chsql.SQL("timestamp")}
	query.Limit, query.WithTies = exportRows, true
	return query, nil
}

// send makes one piece of a page.
func (e *metricExport) send(ctx context.Context, page []exported) error {
	if err := e.addExemplars(ctx, page); err != nil {
		return err
	}
	if err := e.learn(ctx, page); err != nil {
		return err
	}
	var data otlpMetrics
	for i := range page {
		series, known := e.series[page[i].series]
		if !known {
			return fmt.Errorf("series %d has data points and no labels", page[i].series)
		}
		if err := data.add(series, &page[i]); err != nil {
			return err
		}
	}
	text, err := proto.Marshal(&data.message)
	if err != nil {
		return fmt.Errorf("write OTLP: %w", err)
	}
	return e.piece(text)
}

// learn reads the series of a page that are not known from the page before, and forgets
// those that are done.
func (e *metricExport) learn(ctx context.Context, page []exported) error {
	kept, missing := make(map[uint64]*otlpSeries), []uint64{}
	for _, id := range idsOf(page, func(p exported) uint64 { return p.series }) {
		if known := e.series[id]; known != nil {
			kept[id] = known
		} else {
			missing = append(missing, id)
		}
	}
	e.series = kept
	if len(missing) == 0 {
		return nil
	}
	query, err := e.reading.exportSeries(e.selector, missing)
	if err != nil {
		return err
	}
	return e.store.ask(ctx, e.reading, query, func(rows driver.Rows) error {
		series, err := scanOTLPSeries(rows)
		if err == nil {
			e.series[series.id] = series
		}
		return err
	})
}

// addExemplars gives the exemplars to their data points. Of several points of one series
// and time the first gets all.
func (e *metricExport) addExemplars(ctx context.Context, page []exported) error {
	query, err := e.reading.exportExemplars(e.selector, page)
	if err != nil {
		return err
	}
	at := 0
	return e.store.ask(ctx, e.reading, query, func(rows driver.Rows) error {
		key, exemplar, err := scanOTLPExemplar(rows)
		if err != nil {
			return err
		}
		for at < len(page) && page[at].before(key) {
			at++
		}
		if at < len(page) && page[at].exportKey == key {
			page[at].exemplars = append(page[at].exemplars, exemplar)
		}
		return nil
	})
}

func (k exportKey) before(other exportKey) bool {
	switch {
	case k.metric != other.metric:
		return k.metric < other.metric
	case k.series != other.series:
		return k.series < other.series
	default:
		return k.nanos < other.nanos
	}
}
