package clickhouse

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// many makes records of one service, a second apart from noon on.
func many(service string, from, count int, fill func(i int, r plog.LogRecord)) plog.Logs {
	ld := plog.NewLogs()
	resource := ld.ResourceLogs().AppendEmpty()
	resource.Resource().Attributes().PutStr("service.name", service)
	records := resource.ScopeLogs().AppendEmpty().LogRecords()
	for i := from; i < from+count; i++ {
		r := records.AppendEmpty()
		r.SetTimestamp(pcommon.NewTimestampFromTime(noon.Add(time.Duration(i) * time.Second)))
		r.Body().SetStr(fmt.Sprintf("%s %d", service, i))
		if fill != nil {
			fill(i, r)
		}
	}
	return ld
}

func bodyOf(r queryserver.LogRecord) string { return strings.Trim(string(r.Body.JSON), `"`) }

// Lists by cursor miss and repeat nothing of what was there when they began, while records
// of all times come in; those of one time, too.
func TestLogs_PagesWhileDataArrives(t *testing.T) {
	t.Parallel()
	for _, oldest := range []bool{false, true} {
		w := setup(t)
		same := func(i int, r plog.LogRecord) {
			if i%3 > 0 { // three records share a time
				r.SetTimestamp(pcommon.NewTimestampFromTime(noon.Add(time.Duration(i-i%3) * time.Second)))
			}
		}
		w.Logs(t, w.Tenant, many("shop", 0, 400, same))
		w.Logs(t, w.Tenant, many("cart", 100, 400, same))
		w.Logs(t, w.Other, many("secret", 0, 400, same))
		stop := make(chan struct{})
		var writers sync.WaitGroup
		writers.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
					w.Logs(t, w.Tenant, many("late", n*197%500, 5, same))
				}
			}
		})
		seen := make(map[string]int)
		var last *queryserver.LogRecord
		q := queryserver.LogQuery{In: day, OldestFirst: oldest, Limit: 23}
		for {
			records, err := w.LogRecords(t.Context(), scope(w.Tenant), q)
			require.NoError(t, err)
			for _, r := range records {
				if last != nil {
					order := last.Timestamp.Compare(r.Timestamp)
					require.True(t, order == 0 && (last.IngestID < r.IngestID) == oldest || (order < 0) == oldest && order != 0, "in order")
				}
				last = &r
				seen[bodyOf(r)+r.Service+fmt.Sprint(r.IngestID)]++
				require.NotEqual(t, "secret", r.Service)
			}
			if len(records) < q.Limit {
				break
			}
			at := records[len(records)-1].Position()
			q.After = &at
		}
		close(stop)
		writers.Wait()
		found := 0
		for key, times := range seen {
			require.Equal(t, 1, times, key)
			if !strings.HasPrefix(key, "late") {
				found++
			}
		}
		require.Equal(t, 800, found)
		require.Greater(t, len(seen), 800, "data arrived meanwhile")
	}
}

// logAnswers are all answers about logs, as text.
func (w *world) logAnswers(t *testing.T, in queryserver.Scope) map[string]string {
	t.Helper()
	answers := make(map[string]string)
	note := func(name string, value any, err error) {
		t.Helper()
		require.NoError(t, err, name)
		text, err := json.Marshal(value)
		require.NoError(t, err)
		answers[name] = string(text)
	}
	records, err := w.LogRecords(t.Context(), in, queryserver.LogQuery{In: day, Limit: 1000})
	note("list", records, err)
	for _, by := range []string{"level", "service", "zone"} {
		buckets, err := w.LogHistogram(t.Context(), in, queryserver.LogSeries{In: day, Step: time.Hour, By: by, Limit: 10})
		note("histogram "+by, buckets, err)
		groups, err := w.LogGroups(t.Context(), in, queryserver.LogGroups{In: day, By: []string{by, "body"}, Limit: 100})
		note("groups "+by, groups, err)
	}
	fields, err := w.LogFields(t.Context(), in, day, queryserver.Search{})
	note("fields", fields, err)
	if len(records) > 0 {
		around, err := w.LogContext(t.Context(), in, queryserver.LogNeighbours{At: records[0].Position(), Before: 50, After: 50, AllServices: true})
		note("context", around, err)
	}
	pieces, err := w.ExportLogs(t.Context(), in, queryserver.LogQuery{In: day})
	require.NoError(t, err)
	var exported []queryserver.LogRecord
	for piece, err := range pieces {
		require.NoError(t, err)
		exported = append(exported, piece...)
	}
	note("export", exported, nil)
	return answers
}

// Rules 27 and 39: no answer has anything of another tenant, or of what the caller's roles
// do not show; each has what they do.
func TestLogs_IsolationAndFilters(t *testing.T) {
	t.Parallel()
	w := setup(t)
	canary := func(text string) func(int, plog.LogRecord) {
		return func(_ int, r plog.LogRecord) {
			r.Body().SetStr(text)
			r.Attributes().PutStr("zone", text)
			r.Attributes().PutStr("key-"+text, text)
			r.SetSeverityNumber(17)
		}
	}
	w.Logs(t, w.Other, many("svc-other", 0, 3, canary("canary-other")))
	for i, of := range []string{"one", "two"} {
		ld := many("svc-"+of, 10*i, 3, canary("canary-"+of))
		ld.ResourceLogs().At(0).Resource().Attributes().PutStr("team", of)
		ld.ResourceLogs().At(0).Resource().Attributes().PutStr("deployment.environment.name", "env-"+of)
		w.Logs(t, w.Tenant, ld)
	}
	is := func(dimension, value string) []queryserver.Predicate {
		return []queryserver.Predicate{{Dimension: dimension, Values: []string{value}}}
	}
	for name, c := range map[string]struct {
		scope     queryserver.Scope
		has, lack []string
	}{
		"everything":  {scope(w.Tenant), []string{"one", "two"}, []string{"other"}},
		"other":       {scope(w.Other), []string{"other"}, []string{"one", "two"}},
		"service":     {scope(w.Tenant, is("service", "svc-one")), []string{"one"}, []string{"two", "other"}},
		"environment": {scope(w.Tenant, is("environment", "env-two")), []string{"two"}, []string{"one", "other"}},
		"attribute":   {scope(w.Tenant, is("team", "one")), []string{"one"}, []string{"two", "other"}},
		"own":         {scope(w.Tenant, is("zone", "canary-two")), []string{"two"}, []string{"one", "other"}},
		"nothing":     {scope(w.Tenant, is("team", "three")), nil, []string{"one", "two", "other"}},
	} {
		for answer, text := range w.logAnswers(t, c.scope) {
			for _, of := range c.has {
				if answer != "histogram level" && answer != "histogram service" {
					require.Contains(t, text, "canary-"+of, "%s: %s", name, answer)
				}
			}
			for _, of := range c.lack {
				require.NotContains(t, text, "canary-"+of, "%s: %s", name, answer)
				require.NotContains(t, text, "svc-"+of, "%s: %s", name, answer)
			}
			if answer == "histogram level" {
				require.Contains(t, text, fmt.Sprintf(`"total":%d`, 3*len(c.has)), name)
			}
		}
	}
	// A record that exists elsewhere is not there.
	others, err := w.LogRecords(t.Context(), scope(w.Other), queryserver.LogQuery{In: day, Limit: 1})
	require.NoError(t, err)
	_, err = w.LogContext(t.Context(), scope(w.Tenant), queryserver.LogNeighbours{At: others[0].Position()})
	require.Equal(t, queryserver.NotFound, queryserver.CodeOf(err))
	_, err = w.LogContext(t.Context(), scope(w.Tenant, is("service", "svc-one")), queryserver.LogNeighbours{At: others[0].Position()})
	require.Equal(t, queryserver.NotFound, queryserver.CodeOf(err))
}

func TestLogs_Counts(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.Logs(t, w.Tenant, many("shop", 0, 100, func(i int, r plog.LogRecord) {
		r.SetSeverityNumber(plog.SeverityNumber([]int{0, 9, 17, 18}[i%4]))
		r.Attributes().PutInt("code", int64([]int{200, 200, 200, 404, 500}[i%5]))
	}))
	in := queryserver.TimeRange{From: noon, To: noon.Add(2 * time.Minute)}
	buckets, err := w.LogHistogram(t.Context(), scope(w.Tenant), queryserver.LogSeries{In: in, Step: time.Minute, By: "level", Limit: 10})
	require.NoError(t, err)
	require.Equal(t, []queryserver.LogBucket{
		{Start: noon, Total: 60, Counts: map[string]uint64{"unspecified": 15, "info": 15, "error": 30}},
		{Start: noon.Add(time.Minute), Total: 40, Counts: map[string]uint64{"unspecified": 10, "info": 10, "error": 20}},
	}, buckets)
	buckets, err = w.LogHistogram(t.Context(), scope(w.Tenant), queryserver.LogSeries{In: in, Step: 2 * time.Minute, By: "code", Limit: 2, Search: match("code", queryserver.AtLeast, bare("300"))})
	require.NoError(t, err)
	require.Equal(t, []queryserver.LogBucket{{Start: noon, Total: 40, Counts: map[string]uint64{"404": 20, "500": 20}}}, buckets)
	buckets, err = w.LogHistogram(t.Context(), scope(w.Tenant), queryserver.LogSeries{In: in, Step: 2 * time.Minute, By: "code", Limit: 1})
	require.NoError(t, err)
	require.Equal(t, []queryserver.LogBucket{{Start: noon, Total: 100, Counts: map[string]uint64{"200": 60}, Other: 40}}, buckets)
	list, err := w.LogGroups(t.Context(), scope(w.Tenant), queryserver.LogGroups{In: in, By: []string{"code", "service"}, Limit: 2})
	require.NoError(t, err)
	require.Equal(t, queryserver.LogGroupList{Total: 100, Items: []queryserver.LogGroup{
		{Values: []string{"200", "shop"}, Count: 60}, {Values: []string{"404", "shop"}, Count: 20},
	}}, list)
	list, err = w.LogGroups(t.Context(), scope(w.Tenant), queryserver.LogGroups{In: in, By: []string{"code"}, Prefix: "5", Limit: 2})
	require.NoError(t, err)
	require.Equal(t, queryserver.LogGroupList{Total: 20, Items: []queryserver.LogGroup{{Values: []string{"500"}, Count: 20}}}, list)
	fields, err := w.LogFields(t.Context(), scope(w.Tenant), in, match("code", queryserver.Equal, bare("404")))
	require.NoError(t, err)
	require.ElementsMatch(t, []queryserver.LogField{
		{Name: "body", In: "record", Count: 20}, {Name: "service", In: "record", Count: 20}, {Name: "level", In: "record", Count: 15},
		{Name: "code", In: "attributes", Count: 20}, {Name: "service.name", In: "resource", Count: 20},
	}, fields.Items)
	empty, err := w.LogGroups(t.Context(), scope(w.Other), queryserver.LogGroups{In: in, By: []string{"code"}, Limit: 2})
	require.NoError(t, err)
	require.Equal(t, queryserver.LogGroupList{Items: []queryserver.LogGroup{}}, empty)
}

func TestLogContext(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.Logs(t, w.Tenant, many("shop", 0, 20, nil))
	w.Logs(t, w.Tenant, many("cart", 0, 20, nil))
	w.Logs(t, w.Tenant, many("", 0, 20, nil))
	records, err := w.LogRecords(t.Context(), scope(w.Tenant), queryserver.LogQuery{In: day, Limit: 100})
	require.NoError(t, err)
	bodies := func(of []queryserver.LogRecord) []string {
		found := []string{}
		for _, r := range of {
			found = append(found, bodyOf(r))
		}
		return found
	}
	at := records[slices.IndexFunc(records, func(r queryserver.LogRecord) bool { return bodyOf(r) == "shop 10" })]
	around, err := w.LogContext(t.Context(), scope(w.Tenant), queryserver.LogNeighbours{At: at.Position(), Before: 2, After: 3})
	require.NoError(t, err)
	require.Equal(t, at, around.Record)
	require.Equal(t, []string{"shop 8", "shop 9"}, bodies(around.Before))
	require.Equal(t, []string{"shop 11", "shop 12", "shop 13"}, bodies(around.After))
	around, err = w.LogContext(t.Context(), scope(w.Tenant), queryserver.LogNeighbours{At: at.Position(), Before: 30, After: 0, AllServices: true})
	require.NoError(t, err)
	require.Len(t, around.Before, 30)
	require.Empty(t, around.After)
	at = records[slices.IndexFunc(records, func(r queryserver.LogRecord) bool { return bodyOf(r) == " 19" })]
	around, err = w.LogContext(t.Context(), scope(w.Tenant), queryserver.LogNeighbours{At: at.Position(), Before: 2, After: 2})
	require.NoError(t, err)
	require.Equal(t, []string{" 17", " 18"}, bodies(around.Before))
	require.Empty(t, around.After)
}

func TestExportLogs(t *testing.T) {
	t.Parallel()
	w := setup(t)
	const count = 2*exportPiece + 7
	w.Logs(t, w.Tenant, many("shop", 0, count, nil))
	q := queryserver.LogQuery{In: day, OldestFirst: true}
	pieces, err := w.ExportLogs(t.Context(), scope(w.Tenant), q)
	require.NoError(t, err)
	n := 0
	for piece, err := range pieces {
		require.NoError(t, err)
		for _, r := range piece {
			require.Equal(t, fmt.Sprintf("shop %d", n), bodyOf(r))
			n++
		}
	}
	require.Equal(t, count, n)
	w.exportRows = count - 1
	_, err = w.ExportLogs(t.Context(), scope(w.Tenant), q)
	require.Equal(t, queryserver.Invalid, queryserver.CodeOf(err))
	_, err = w.ExportLogs(t.Context(), queryserver.Scope{}, q)
	require.Equal(t, queryserver.Forbidden, queryserver.CodeOf(err))
}
