package clickhouse

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// plan is what EXPLAIN indexes = 1 says of a statement.
func (w *world) plan(t *testing.T, query chsql.Select) string {
	t.Helper()
	statement := query.Statement()
	rows, err := w.conn.Query(clickhouse.Context(t.Context(), clickhouse.WithParameters(statement.Parameters)), "EXPLAIN indexes = 1 "+statement.SQL)
	require.NoError(t, err)
	defer rows.Close()
	var lines []string
	for rows.Next() {
		var line string
		require.NoError(t, rows.Scan(&line))
		lines = append(lines, strings.TrimLeft(line, " │├└─"))
	}
	require.NoError(t, rows.Err())
	return strings.Join(lines, "\n")
}

var granules = regexp.MustCompile(`Granules: (\d+)/(\d+)`)

// left is how many granules an index leaves, of how many it was given.
func left(t *testing.T, plan, index string) (of, all int) {
	t.Helper()
	_, after, found := strings.Cut(plan, index)
	require.True(t, found, "%s is not used:\n%s", index, plan)
	numbers := granules.FindStringSubmatch(after)
	require.Len(t, numbers, 3, plan)
	of, _ = strconv.Atoi(numbers[1])
	all, _ = strconv.Atoi(numbers[2])
	return of, all
}

// The paths through the table that questions about logs are meant to take.
func TestLogs_Plans(t *testing.T) {
	t.Parallel()
	w := setup(t)
	// Three days, of which one is asked for, and two tenants.
	for day := range 3 {
		fill := func(i int, r plog.LogRecord) {
			r.SetTimestamp(pcommon.NewTimestampFromTime(noon.Add(time.Duration(i)*10*time.Millisecond - time.Duration(day)*24*time.Hour)))
			r.Body().SetStr(fmt.Sprintf("request %d of batch%d done", i, i/500))
			r.Attributes().PutStr("order.id", fmt.Sprintf("o%d", i))
			r.SetTraceID(pcommon.TraceID{1, byte(i), byte(i >> 8), byte(i >> 16)})
		}
		w.Logs(t, w.Tenant, many("shop", 0, 100_000, fill))
		w.Logs(t, w.Other, many("shop", 0, 20_000, fill))
	}
	require.NoError(t, w.conn.Exec(t.Context(), "OPTIMIZE TABLE logs FINAL"))
	query := func(tree queryserver.Search) chsql.Select {
		_, query, err := logsQuery(scope(w.Tenant), queryserver.LogQuery{In: day, Search: tree, Limit: 50})
		require.NoError(t, err)
		return query
	}
	all := w.plan(t, query(queryserver.Search{}))
	require.Contains(t, all, "Read type: InReverseOrder")
	kept, parts := left(t, all, "Min-Max")
	require.LessOrEqual(t, kept*2, parts, "a day's partition of three:\n%s", all)
	kept, of := left(t, all, "PrimaryKey")
	require.LessOrEqual(t, kept*10, of*9, "the tenant's range:\n%s", all)
	for name, c := range map[string]struct {
		index string
		tree  queryserver.Search
	}{
		"needle":          {"Name: words", match("", queryserver.Contains, bare("batch77"))},
		"phrase":          {"Name: words", match("", queryserver.Contains, quoted("of batch77"))},
		"attribute":       {"Name: items", match("order.id", queryserver.Equal, bare("o77"))},
		"own attribute":   {"Name: items", match("attributes.order.id", queryserver.Equal, quoted("o77"))},
		"some attributes": {"Name: items", match("order.id", queryserver.Contains, bare("o77"), bare("o80"))},
		"trace":           {"Name: trace", match("trace_id", queryserver.Equal, bare("014d0000000000000000000000000000"))},
	} {
		plan := w.plan(t, query(c.tree))
		kept, of := left(t, plan, c.index)
		require.LessOrEqual(t, kept, 2, "%s:\n%s", name, plan)
		require.GreaterOrEqual(t, of, 12, "%s:\n%s", name, plan)
		found, err := w.LogRecords(t.Context(), scope(w.Tenant), queryserver.LogQuery{In: day, Search: c.tree, Limit: 1000})
		require.NoError(t, err)
		require.NotEmpty(t, found, name)
	}
	// A key that resources have is looked for there too.
	plan := w.plan(t, query(match("service.name", queryserver.Equal, bare("shop"))))
	require.NotContains(t, plan, "Name: items")
}
