package main

import (
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/column/orderedmap"
	"github.com/zeebo/xxh3"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// This file makes the rows that clickhouse-go's Append takes, as exporters that
// append rows do: one ordered map per list of attributes and row, what a resource
// and a scope say made once and given with every row.

type row = []any

func attributeMaps(m pcommon.Map) (values, types *orderedmap.Map[string, string]) {
	values = orderedmap.CollectN(func(yield func(string, string) bool) {
		for k, v := range m.All() {
			if !yield(k, v.AsString()) {
				return
			}
		}
	}, m.Len())
	types = orderedmap.Collect(func(yield func(string, string) bool) {
		for k, v := range m.All() {
			var name string
			switch v.Type() {
			case pcommon.ValueTypeInt:
				name = "int"
			case pcommon.ValueTypeBool:
				name = "bool"
			case pcommon.ValueTypeDouble:
				name = "double"
			default:
				continue
			}
			if !yield(k, name) {
				return
			}
		}
	})
	return values, types
}

type source struct {
	service                                    string
	resource, resourceTypes, scope, scopeTypes *orderedmap.Map[string, string]
	scopeName                                  string
}

func sourceOf(resource pcommon.Resource, scope pcommon.InstrumentationScope) source {
	s := source{scopeName: scope.Name()}
	name, _ := resource.Attributes().Get("service.name")
	s.service = name.Str()
	s.resource, s.resourceTypes = attributeMaps(resource.Attributes())
	s.scope, s.scopeTypes = attributeMaps(scope.Attributes())
	return s
}

const (
	workspace = "0190f3a1-0000-7000-8000-00000000000a"
	owner     = "0190f3a1-0000-7000-8000-0000000000a1"
)

// sourceColumns are the last columns of logs and spans.
func (s source) columns(r row, expires time.Time, id uint64) row {
	return append(r, s.resource, s.resourceTypes, uint32(0), "", "", s.scopeName, "", s.scope, s.scopeTypes, uint32(0), "", expires, id)
}

func traceRows(td ptrace.Traces, add func(...any) error) error {
	rs := td.ResourceSpans().At(0)
	ss := rs.ScopeSpans().At(0)
	s := sourceOf(rs.Resource(), ss.Scope())
	expires := time.Now().AddDate(0, 0, 31)
	for i, span := range ss.Spans().All() {
		values, types := attributeMaps(span.Attributes())
		n := span.Events().Len()
		times, names := make([]time.Time, 0, n), make([]string, 0, n)
		maps, typeMaps := make([]map[string]string, 0, n), make([]map[string]string, 0, n)
		dropped := make([]uint32, 0, n)
		for _, event := range span.Events().All() {
			times, names = append(times, event.Timestamp().AsTime()), append(names, event.Name())
			v, t := attributeMaps(event.Attributes())
			maps, typeMaps, dropped = append(maps, v.ToMap()), append(typeMaps, t.ToMap()), append(dropped, 0)
		}
		trace, id, parent := span.TraceID(), span.SpanID(), span.ParentSpanID()
		r := row{
			workspace, owner, span.StartTimestamp().AsTime(), uint64(span.EndTimestamp() - span.StartTimestamp()), uint64(0),
			string(trace[:]), string(id[:]), string(parent[:]), span.TraceState().AsRaw(), span.Flags(), span.Name(), int32(span.Kind()),
			int32(span.Status().Code()), span.Status().Message(), s.service, values, types, span.DroppedAttributesCount(),
			times, names, maps, typeMaps, dropped, span.DroppedEventsCount(),
			[]string{}, []string{}, []string{}, []uint32{}, []map[string]string{}, []map[string]string{}, []uint32{}, span.DroppedLinksCount(),
		}
		if err := add(s.columns(r, expires, uint64(i))...); err != nil {
			return err
		}
	}
	return nil
}

func logRows(ld plog.Logs, add func(...any) error) error {
	rl := ld.ResourceLogs().At(0)
	sl := rl.ScopeLogs().At(0)
	s := sourceOf(rl.Resource(), sl.Scope())
	expires := time.Now().AddDate(0, 0, 31)
	for i, record := range sl.LogRecords().All() {
		values, types := attributeMaps(record.Attributes())
		trace, id := record.TraceID(), record.SpanID()
		r := row{
			workspace, owner, record.Timestamp().AsTime(), record.Timestamp().AsTime(), record.ObservedTimestamp().AsTime(),
			string(trace[:]), string(id[:]), uint32(record.Flags()), int32(record.SeverityNumber()), record.SeverityText(), record.EventName(),
			s.service, record.Body().AsString(), "", values, types, record.DroppedAttributesCount(),
		}
		if err := add(s.columns(r, expires, uint64(i))...); err != nil {
			return err
		}
	}
	return nil
}

// seriesID is the obvious way to a fingerprint of labels: sort them, hash them.
func seriesID(name string, m pcommon.Map) uint64 {
	var text strings.Builder
	text.WriteString(name)
	labels := orderedmap.Collect(func(yield func(string, string) bool) {
		for k, v := range m.All() {
			if !yield(k, v.AsString()) {
				return
			}
		}
	})
	labels.All(func(k, v string) bool {
		text.WriteByte(0)
		text.WriteString(k)
		text.WriteByte(0)
		text.WriteString(v)
		return true
	})
	return xxh3.HashString(text.String())
}

func metricRows(md pmetric.Metrics, add func(...any) error) error {
	rm := md.ResourceMetrics().At(0)
	sm := rm.ScopeMetrics().At(0)
	s := sourceOf(rm.Resource(), sm.Scope())
	expires := time.Now().AddDate(0, 0, 91)
	for _, metric := range sm.Metrics().All() {
		for _, point := range metric.Sum().DataPoints().All() {
			err := add(workspace, owner, metric.Name(), s.service, seriesID(metric.Name(), point.Attributes()), point.Timestamp().AsTime(), point.StartTimestamp().AsTime(),
				float64(point.IntValue()), point.IntValue(), "int", uint32(point.Flags()), "", expires)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// histogramRows makes the thin rows only; the encoder writes exemplars as well.
func histogramRows(md pmetric.Metrics, add func(...any) error) error {
	rm := md.ResourceMetrics().At(0)
	sm := rm.ScopeMetrics().At(0)
	s := sourceOf(rm.Resource(), sm.Scope())
	expires := time.Now().AddDate(0, 0, 91)
	for _, metric := range sm.Metrics().All() {
		if metric.Type() == pmetric.MetricTypeHistogram {
			for _, p := range metric.Histogram().DataPoints().All() {
				if err := add(explicitRow(s, metric.Name(), p, expires)...); err != nil {
					return err
				}
			}
			continue
		}
		for _, p := range metric.ExponentialHistogram().DataPoints().All() {
			if err := add(exponentialRow(s, metric.Name(), p, expires)...); err != nil {
				return err
			}
		}
	}
	return nil
}

func explicitRow(s source, name string, p pmetric.HistogramDataPoint, expires time.Time) row {
	trace := pcommon.TraceID{}
	if p.Exemplars().Len() > 0 {
		trace = p.Exemplars().At(0).TraceID()
	}
	return row{
		workspace, owner, name, s.service, seriesID(name, p.Attributes()), p.Timestamp().AsTime(), p.StartTimestamp().AsTime(),
		uint32(p.Flags()), p.Count(), p.Sum(), 0.0, 0.0, uint8(1), p.ExplicitBounds().AsRaw(), p.BucketCounts().AsRaw(),
		int32(0), uint64(0), 0.0, int32(0), []uint64{}, int32(0), []uint64{}, []float64{}, []float64{}, string(trace[:]), expires,
	}
}

func exponentialRow(s source, name string, p pmetric.ExponentialHistogramDataPoint, expires time.Time) row {
	return row{
		workspace, owner, name, s.service, seriesID(name, p.Attributes()), p.Timestamp().AsTime(), p.StartTimestamp().AsTime(),
		uint32(p.Flags()), p.Count(), p.Sum(), 0.0, 0.0, uint8(1), []float64{}, []uint64{},
		p.Scale(), p.ZeroCount(), p.ZeroThreshold(), p.Positive().Offset(), p.Positive().BucketCounts().AsRaw(),
		p.Negative().Offset(), []uint64{}, []float64{}, []float64{}, "", expires,
	}
}
