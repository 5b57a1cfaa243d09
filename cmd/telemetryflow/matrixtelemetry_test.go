package main

import (
	"crypto/sha256"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/internal/testkit/telemetrytest"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// Ends of names of services: mate is called by the tenant's own, and aside, which a data
// filter hides, by mate.
const (
	mate  = "mate"
	aside = "aside"
)

// service is the one of a tenant that its name is in all telemetry of. Names have no
// punctuation, which PromQL's would lose.
func (e *estate) service(of string) string { return e.canary + of }

// keepTelemetry stores items of the services of each tenant.
func (w *world) keepTelemetry(t *testing.T, stored *telemetrytest.World) {
	t.Helper()
	w.noon = time.Now().UTC().Add(-time.Minute).Truncate(time.Second)
	for _, e := range []*estate{w.ours, w.theirs} {
		for name, in := range map[string]tenant.Scope{"shop": e.shop, "lab": e.lab} {
			main := e.service(name)
			for _, service := range []string{main, main + aside} {
				stored.Logs(t, in, w.logOf(service))
				stored.Metrics(t, in, w.metricOf(service))
			}
			stored.Traces(t, in, w.traceOf(main))
		}
		e.findLogs(t)
	}
}

// findLogs reads where the records of the shop are.
func (e *estate) findLogs(t *testing.T) {
	t.Helper()
	scope := queryserver.NewScope(e.organization, e.shop, map[queryserver.Permission]queryserver.Filter{queryserver.LogsRead: {}})
	in := queryserver.TimeRange{From: e.noon, To: e.noon.Add(time.Second)}
	records, err := e.rows.LogRecords(t.Context(), scope, queryserver.LogQuery{In: in, Limit: 10})
	require.NoError(t, err)
	require.Len(t, records, 2)
	e.logs = make(map[string]queryserver.LogPosition)
	for _, record := range records {
		e.logs[record.Service] = record.Position()
	}
}

// called puts the name of a service wherever a name is.
func called(attributes pcommon.Map, service string) { attributes.PutStr(service, service) }

func ofService(resource pcommon.Resource, service string) {
	resource.Attributes().PutStr("service.name", service)
	called(resource.Attributes(), service)
}

func (w *world) stamp() pcommon.Timestamp { return pcommon.NewTimestampFromTime(w.noon) }

func (w *world) logOf(service string) plog.Logs {
	ld := plog.NewLogs()
	r := ld.ResourceLogs().AppendEmpty()
	ofService(r.Resource(), service)
	record := r.ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	record.SetTimestamp(w.stamp())
	record.SetSeverityNumber(plog.SeverityNumberInfo)
	record.Body().SetStr("a record of " + service)
	called(record.Attributes(), service)
	return ld
}

// metricOf is a counter that all services have, and one of the service's own.
func (w *world) metricOf(service string) pmetric.Metrics {
	md := pmetric.NewMetrics()
	r := md.ResourceMetrics().AppendEmpty()
	ofService(r.Resource(), service)
	metrics := r.ScopeMetrics().AppendEmpty().Metrics()
	for _, name := range []string{"orders", service} {
		m := metrics.AppendEmpty()
		m.SetName(name)
		m.SetDescription("of " + service)
		sum := m.SetEmptySum()
		sum.SetIsMonotonic(true)
		sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
		p := sum.DataPoints().AppendEmpty()
		p.SetStartTimestamp(pcommon.NewTimestampFromTime(w.noon.Add(-time.Minute)))
		p.SetTimestamp(w.stamp())
		p.SetIntValue(1)
		called(p.Attributes(), service)
		exemplar := p.Exemplars().AppendEmpty()
		exemplar.SetTimestamp(w.stamp())
		exemplar.SetIntValue(1)
		exemplar.SetTraceID(pcommon.TraceID(traceIDOf(service)))
		exemplar.SetSpanID(pcommon.SpanID{1})
		called(exemplar.FilteredAttributes(), service)
	}
	return md
}

// traceIDOf is the trace that a service begins.
func traceIDOf(service string) (id queryserver.TraceID) {
	sum := sha256.Sum256([]byte(service))
	copy(id[:], sum[:])
	return id
}

func (w *world) traceOf(main string) ptrace.Traces {
	td := ptrace.NewTraces()
	for i, service := range []string{main, main, main + mate, main + mate, main + aside} {
		r := td.ResourceSpans().AppendEmpty()
		ofService(r.Resource(), service)
		span := r.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		span.SetTraceID(pcommon.TraceID(traceIDOf(main)))
		span.SetSpanID(pcommon.SpanID{byte(i + 1)})
		span.SetParentSpanID(pcommon.SpanID{byte(i)})
		span.SetName("work of " + service)
		span.SetKind([]ptrace.SpanKind{ptrace.SpanKindServer, ptrace.SpanKindClient}[i%2])
		span.SetStartTimestamp(w.stamp())
		span.SetEndTimestamp(pcommon.NewTimestampFromTime(w.noon.Add(time.Second)))
		called(span.Attributes(), service)
	}
	return td
}

// place is the tenant that the caller is in, shop or lab.
func (c *caller) place() string {
	if len(c.roles) > 0 && c.roles[0].Tenant == c.estate.lab.Tenant {
		return "lab"
	}
	return "shop"
}

// service is one that the caller may see.
func (c *caller) service() string { return c.estate.service(c.place()) }

// tellsTooMuch says whether an answer names services of another tenant of the caller's
// organization, or of his own those that he may not see.
func (c *cell) tellsTooMuch(text string) bool {
	e := c.caller.estate
	if strings.HasPrefix(c.row.path, "/api/v2/roles") {
		return false // the filter of a role names services
	}
	if e == nil {
		return strings.Contains(text, c.world.ours.service("shop")) || strings.Contains(text, c.world.ours.service("lab"))
	}
	another := map[string]string{"shop": "lab", "lab": "shop"}[c.caller.place()]
	filtered := slices.ContainsFunc(c.caller.roles, func(a queryserver.Assignment) bool { return a.Role == e.role })
	return strings.Contains(text, e.service(another)) ||
		filtered && strings.Contains(text, c.caller.service()+aside) ||
		c.caller.blind && strings.Contains(text, c.caller.service())
}
