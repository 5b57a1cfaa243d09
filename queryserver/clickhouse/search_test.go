package clickhouse

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// bodies are the texts of the records that a search finds, sorted.
func (w *world) bodies(t *testing.T, in queryserver.Scope, tree queryserver.Search) []string {
	t.Helper()
	records, err := w.LogRecords(t.Context(), in, queryserver.LogQuery{In: day, Search: tree, Limit: 1000})
	require.NoError(t, err, "%+v", tree)
	found := []string{}
	for _, r := range records {
		found = append(found, strings.Trim(string(r.Body.JSON), `"`))
	}
	slices.Sort(found)
	return found
}

// one makes a record of a service.
func one(service, body string, fill func(plog.LogRecord, pcommon.Resource)) plog.Logs {
	ld := record(noon, body, map[string]string{"service.name": service}, nil)
	if service == "" {
		ld.ResourceLogs().At(0).Resource().Attributes().Remove("service.name")
	}
	if fill != nil {
		fill(ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0), ld.ResourceLogs().At(0).Resource())
	}
	return ld
}

func TestSearch_Logs(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.Logs(t, w.Other, one("shop", "canary", func(r plog.LogRecord, _ pcommon.Resource) {
		r.SetSeverityNumber(17)
		r.Attributes().PutInt("code", 200)
	}))
	w.Logs(t, w.Tenant, one("shop", "Connection reset by peer", func(r plog.LogRecord, resource pcommon.Resource) {
		r.SetSeverityNumber(18)
		r.SetSeverityText("ERROR")
		r.Attributes().PutInt("code", 200)
		r.Attributes().PutDouble("took", 0.5)
		r.Attributes().PutBool("retry", true)
		r.SetTraceID(pcommon.TraceID{1, 2, 15: 3})
		r.SetEventName("net.reset")
		resource.Attributes().PutStr("host.name", "h1")
		resource.Attributes().PutStr("team", "net")
	}))
	w.Logs(t, w.Tenant, one("shop", "reconnection resets", func(r plog.LogRecord, resource pcommon.Resource) {
		r.SetSeverityNumber(9)
		r.Attributes().PutStr("code", "200")
		r.Attributes().PutStr("host.name", "own")
		r.Attributes().PutStr("empty", "")
		resource.Attributes().PutStr("host.name", "h2")
	}))
	w.Logs(t, w.Tenant, one("cart", "Größe: 5 KG", func(r plog.LogRecord, _ pcommon.Resource) {
		r.SetSeverityText("Audit")
		r.Attributes().PutInt("code", 1<<53+1)
		r.Attributes().PutInt("neg", -5)
		r.Attributes().PutEmptySlice("list").AppendEmpty().SetInt(1)
	}))
	w.Logs(t, w.Tenant, one("", "plain", nil))
	const a, b, c, d = "Connection reset by peer", "reconnection resets", "Größe: 5 KG", "plain"
	not := func(of queryserver.Search) queryserver.Search {
		return queryserver.Search{Op: queryserver.SearchNot, Of: []queryserver.Search{of}}
	}
	const has, eq, ne, gt, ge, lt, le, re, nr = queryserver.Contains, queryserver.Equal, queryserver.NotEqual, queryserver.Greater,
		queryserver.AtLeast, queryserver.Less, queryserver.AtMost, queryserver.Matches, queryserver.MatchesNot
	for i, row := range []struct {
		tree queryserver.Search
		want []string
	}{
		{queryserver.Search{}, []string{a, b, c, d}},
		{match("", has, bare("RESET")), []string{a}},
		{match("", has, quoted("connection RESET")), []string{a}},
		{match("", has, prefix("reset")), []string{a, b}},
		{match("", has, prefix("onnect")), []string{}},
		{match("", has, bare("größe")), []string{c}},
		{match("", has, bare("GRÖSSE")), []string{}},
		{match("", has, quoted("größe: 5")), []string{c}},
		{match("", has, quoted(": ")), []string{c}},
		{match("", has, quoted("")), []string{a, b, c, d}},
		{match("", has, bare("kg"), bare("plain")), []string{c, d}},
		{not(match("", has, bare("reset"))), []string{b, c, d}},
		{match("body", eq, bare("plain")), []string{d}},
		{match("body", re, quoted("re.*s$")), []string{b}},
		{match("service", eq, bare("shop")), []string{a, b}},
		{match("service", ne, bare("shop")), []string{c}},
		{not(match("service", eq, bare("shop"))), []string{c, d}},
		{match("service.name", has, prefix("ca")), []string{c}},
		{match("service", queryserver.Exists), []string{a, b, c}},
		{match("level", has, bare("error")), []string{a}},
		{match("level", ge, bare("info")), []string{a, b}},
		{match("level", gt, bare("info")), []string{a}},
		{match("level", lt, bare("error")), []string{b}},
		{match("level", le, bare("fatal")), []string{a, b}},
		{match("severity", has, bare("error2")), []string{a}},
		{match("severity", has, bare("error3")), []string{}},
		{match("level", ne, bare("INFO")), []string{a}},
		{match("level", has, bare("18"), bare("audit")), []string{a, c}},
		{match("level", has, prefix("Au")), []string{c}},
		{match("level", re, quoted("^E")), []string{a}},
		{not(match("level", queryserver.Exists)), []string{c, d}},
		{match("severity_number", lt, bare("10")), []string{b, c, d}},
		{match("trace_id", eq, bare("01020000000000000000000000000003")), []string{a}},
		{match("trace_id", has, prefix("0102")), []string{a}},
		{match("trace_id", queryserver.Exists), []string{a}},
		{match("trace_id", ne, bare("01020000000000000000000000000004")), []string{a}},
		{match("event_name", has, bare("net.reset")), []string{a}},
		{match("scope.name", queryserver.Exists), []string{}},
		{match("code", eq, bare("200")), []string{a, b}},
		{match("code", eq, bare("200.0")), []string{a, b}},
		{match("code", eq, quoted("200")), []string{b}},
		{match("code", gt, bare("100")), []string{a, b, c}},
		{match("code", gt, bare("9007199254740992")), []string{c}},
		{match("code", gt, bare("9007199254740993")), []string{}},
		{match("code", ne, bare("200")), []string{c}},
		{not(match("code", eq, bare("200"))), []string{c, d}},
		{not(match("code", gt, bare("1e400"))), []string{a, b, c, d}},
		{match("took", eq, bare(".5")), []string{a}},
		{match("took", lt, bare("0.6")), []string{a}},
		{match("retry", eq, bare("true")), []string{a}},
		{match("retry", eq, quoted("true")), []string{}},
		{match("neg", le, bare("-5")), []string{c}},
		{match("neg", gt, quoted("-")), []string{c}},
		{match("list", eq, bare("[1]")), []string{c}},
		{match("empty", eq, quoted("")), []string{b}},
		{match("empty", queryserver.Exists), []string{b}},
		{match("nothing", eq, quoted("")), []string{}},
		{match("nothing", nr, quoted("x")), []string{}},
		{match("host.name", eq, bare("h1")), []string{a}},
		{match("host.name", eq, bare("h2")), []string{}}, // its own comes before its resource's
		{match("host.name", eq, bare("own")), []string{b}},
		{match("host.name", has, prefix("h")), []string{a}},
		{match("resource.host.name", has, prefix("h")), []string{a, b}},
		{match("attributes.host.name", queryserver.Exists), []string{b}},
		{match("host.name", queryserver.Exists), []string{a, b}},
		{match("team", eq, bare("net"), bare("x")), []string{a}},
		{not(match("team", eq, bare("net"))), []string{b, c, d}},
		{queryserver.Search{Op: queryserver.SearchAny, Of: []queryserver.Search{match("team", eq, bare("net")), match("neg", queryserver.Exists)}}, []string{a, c}},
		{queryserver.Search{Op: queryserver.SearchAll, Of: []queryserver.Search{match("service", eq, bare("shop")), match("code", eq, quoted("200"))}}, []string{b}},
	} {
		slices.Sort(row.want)
		got := w.bodies(t, scope(w.Tenant), row.tree)
		require.Equal(t, row.want, got, "%d: %+v", i, row.tree.Match)
	}
	for _, tree := range []queryserver.Search{
		match("trace_id", eq, bare("xyz")), match("trace_id", gt, bare("01020000000000000000000000000003")), match("span_id", eq, bare("01")),
		match("level", gt, bare("loud")), match("severity_number", eq, bare("x")),
	} {
		_, err := w.LogRecords(t.Context(), scope(w.Tenant), queryserver.LogQuery{In: day, Search: tree, Limit: 1})
		var e *queryserver.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, queryserver.Invalid, e.Code)
		require.Equal(t, SearchLocation, e.Fields[0].Location)
	}
	tooLarge := strings.Repeat("(x{1000})", 20)
	_, err := w.LogRecords(t.Context(), scope(w.Tenant), queryserver.LogQuery{In: day, Search: match("body", re, quoted(tooLarge)), Limit: 1})
	if err != nil {
		require.Equal(t, queryserver.Invalid, queryserver.CodeOf(err))
	}
}

// payloads are texts that end strings, comments, placeholders and escapes, in all pairs.
func payloads() []string {
	opening := []string{"", "'", "''", `\'`, `"`, "`", "')", "'))", "]", "'])", "}", "{p1:String}", "\\", "\x00", "\u2019", "\uff07", "%27", "\n", "/*", "--"}
	closing := []string{
		" OR 1=1", " OR 1=1 -- ", " OR tenant_id != '' #", " UNION ALL SELECT * FROM logs", "; SELECT 1", ") OR (true", "*/ OR true", "{p3:UUID}", "?", "$1",
		"\\", "\\'", "'", "\x00", "\t\r\n", "%", "_", "SETTINGS max_rows_to_read=0", "❄", "\u2028", "' OR ''='", "FORMAT Null", "@@version", "sleep(3)", "\ufffd", "\\x27", "1e999",
	}
	var all []string
	for _, o := range opening {
		for _, c := range closing {
			all = append(all, o+c)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Issue 5: 500 payloads in every string of a search: no row of another tenant, no error of
// the engine, and the rows that really have the text.
func TestSearch_Injection(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.Logs(t, w.Other, one("secret", "secret OR 1=1", func(r plog.LogRecord, _ pcommon.Resource) { r.SetSeverityNumber(17) }))
	texts := payloads()
	require.GreaterOrEqual(t, len(texts), 500)
	all := plog.NewLogs()
	for _, text := range texts {
		one(text, text, func(r plog.LogRecord, _ pcommon.Resource) {
			r.Attributes().PutStr(text, text)
			r.SetEventName(text)
			r.SetSeverityText(text)
		}).ResourceLogs().MoveAndAppendTo(all.ResourceLogs())
	}
	w.Logs(t, w.Tenant, all)
	for i := 0; i < len(texts); i += 30 { // as many at once as a search may have
		some := texts[i:min(i+30, len(texts))]
		var values, prefixes []queryserver.SearchValue
		var keys, patterns []queryserver.Search
		for _, text := range some {
			values, prefixes = append(values, quoted(text)), append(prefixes, prefix(text))
			keys = append(keys, match(text, queryserver.Equal, quoted(text)))
			patterns = append(patterns, match("", queryserver.Contains, quoted(text)), match(text, queryserver.Greater, quoted(text)))
		}
		// Each finds the records of the payloads themselves, and they alone.
		for name, tree := range map[string]queryserver.Search{
			"service": match("service", queryserver.Equal, values...), "event": match("event_name", queryserver.Contains, values...),
			"body": match("body", queryserver.Equal, values...), "level text": match("severity_text", queryserver.Equal, values...),
			"keys": {Op: queryserver.SearchAny, Of: keys},
		} {
			require.Len(t, w.bodies(t, scope(w.Tenant), tree), len(some), "%s %q", name, some)
		}
		for name, tree := range map[string]queryserver.Search{
			"prefix": match("resource.service.name", queryserver.Contains, prefixes...), "level": match("level", queryserver.Contains, values...),
			"free": {Op: queryserver.SearchAny, Of: patterns}, "words": match("", queryserver.Contains, prefixes...),
		} {
			got := w.bodies(t, scope(w.Tenant), tree)
			require.NotEmpty(t, got, name)
			require.NotContains(t, got, "secret OR 1=1", name)
		}
		for _, by := range [][]string{{some[0]}, {"service", some[len(some)-1]}} {
			list, err := w.LogGroups(t.Context(), scope(w.Tenant), queryserver.LogGroups{In: day, By: by, Prefix: "", Limit: 5})
			require.NoError(t, err)
			require.Equal(t, uint64(len(texts)), list.Total)
			require.NotContains(t, fmt.Sprint(list.Items), "secret")
		}
	}
}
