package statement_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/chdb/statement"
)

func TestParse_Kinds(t *testing.T) {
	t.Parallel()
	for sql, kind := range map[string]statement.Kind{
		"": statement.Empty, " -- nothing\n/* more */": statement.Empty,
		"SELECT 1": statement.Select, "with a as (select 1) select * from a": statement.Select,
		"(SELECT 1)": statement.Select, "FROM t SELECT 1": statement.Select, "/* INSERT */ SELECT 1": statement.Select,
		"SHOW TABLES": statement.Read, "DESC t": statement.Read, "EXPLAIN SELECT 1": statement.Read, "EXISTS t": statement.Read,
		"USE a": statement.Use, "USE a b": statement.Other, "SET a = 1": statement.Set, "SET a = (1": statement.Other,
		"KILL QUERY WHERE query_id = 'x'": statement.Kill, "KILL QUERY WHERE user = 'x'": statement.Other,
		"SYSTEM SHUTDOWN": statement.Refused, "system kill": statement.Refused, "SYSTEM FLUSH LOGS": statement.Other,
		"CREATE TABLE t (a Int8) ENGINE = Null": statement.Other, "INSERT INTO t SELECT 1": statement.Other,
		"INSERT INTO t (a) WITH x AS (SELECT 1) SELECT * FROM x": statement.Other,
		"INSERT INTO t VALUES (1)":                               statement.InsertData, "INSERT INTO t": statement.InsertData,
		"SELECT 1 INTO OUTFILE 'x'": statement.Refused, "INSERT INTO t FROM INFILE 'x' FORMAT CSV": statement.Refused,
	} {
		require.Equal(t, kind, statement.Parse(sql).Kind, sql)
	}
}

func TestParse_Inserts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ sql, text, format, data string }{
		{"INSERT INTO t FORMAT CSV 1,2", "INSERT INTO t", "CSV", "1,2"},
		{"INSERT INTO t FORMAT CSV\n 1,2", "INSERT INTO t", "CSV", " 1,2"},
		{"INSERT INTO t FORMAT CSV;\r\n1", "INSERT INTO t", "CSV", "1"},
		{"insert into t format Native\n\x02\x01'\"", "insert into t", "Native", "\x02\x01'\""},
		{"INSERT INTO t (a, `FORMAT`) VALUES (1, ';')", "INSERT INTO t (a, `FORMAT`)", "Values", " (1, ';')"},
		{"INSERT INTO format FORMAT TSV\nx", "INSERT INTO format", "TSV", "x"},
		{"INSERT INTO d.values VALUES (1)", "INSERT INTO d.values", "Values", " (1)"},
		{"INSERT INTO t SETTINGS a = 1, b = 'VALUES' FORMAT TSV\nx", "INSERT INTO t SETTINGS a = 1, b = 'VALUES'", "TSV", "x"},
		{"INSERT INTO t -- FORMAT CSV\n (a) /* VALUES */ FORMAT TSV\nx", "INSERT INTO t -- FORMAT CSV\n (a)", "TSV", "x"},
		{"INSERT INTO TABLE t (* EXCEPT(a)) VALUES (1)", "INSERT INTO TABLE t (* EXCEPT(a))", "Values", " (1)"},
		{"INSERT INTO t;", "INSERT INTO t", "", ""},
	} {
		got := statement.Parse(c.sql)
		require.Equal(t, statement.InsertData, got.Kind, c.sql)
		require.Equal(t, c.text, strings.TrimSpace(got.Text), c.sql)
		require.Equal(t, c.format, got.Format, c.sql)
		require.Equal(t, c.data, c.sql[got.Data:], c.sql)
	}
}

func TestParse_Clauses(t *testing.T) {
	t.Parallel()
	require.Equal(t, "JSON", statement.Parse("SELECT 1 FORMAT JSON;").Format)
	require.Equal(t, "SELECT 1 FORMAT JSON", statement.Parse("SELECT 1 FORMAT JSON;").Text)
	require.Equal(t, "CSV", statement.Parse("SELECT format FROM t FORMAT CSV SETTINGS a = 1").Format)
	require.Empty(t, statement.Parse("SELECT 'FORMAT JSON'").Format)
	require.Empty(t, statement.Parse("SELECT format").Format)
	require.True(t, statement.Parse("CREATE TEMPORARY TABLE t (a Int8)").Temporary)
	require.Equal(t, "a b", statement.Parse("USE `a b`").Database)
	require.Equal(t, "it's", statement.Parse("KILL QUERY WHERE query_id = 'it''s'").QueryID)
	require.Equal(t, map[string]string{"a": "-1.5", "b": "x'y", "c.d": "1"}, statement.Parse(`SET a = -1.5, b = 'x\'y', c.d`).Changes)
}

// Whatever the text, the pieces that Parse returns lie inside it.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"INSERT INTO t FORMAT CSV\n1", "SET a = ", "KILL QUERY WHERE query_id = '", "USE", "INSERT INTO", "SELECT $a$", "INSERT INTO t VALUES"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		got := statement.Parse(sql)
		if got.Kind == statement.InsertData {
			require.LessOrEqual(t, len(got.Text), got.Data)
			require.LessOrEqual(t, got.Data, len(sql))
		}
	})
}

// A text that is hard to cut up takes a moment, not minutes.
func TestParse_LinearTime(t *testing.T) {
	t.Parallel()
	fence := statement.NewFence(nil, nil)
	var tags strings.Builder
	for i := range 200_000 {
		fmt.Fprintf(&tags, "$t%d$ ", i)
	}
	for name, text := range map[string]string{
		"unclosed heredocs": "SELECT " + tags.String(), "semicolons": "SELECT 1" + strings.Repeat(";", 2_000_000) + "x",
		"parentheses": "SELECT " + strings.Repeat("f(", 1_000_000), "sources": "CREATE " + strings.Repeat("SOURCE(CLICKHOUSE(TABLE ", 100_000),
		"comments": "SELECT " + strings.Repeat("/*", 1_000_000), "statements": strings.Repeat("SET a = 1;", 200_000),
	} {
		begun := time.Now()
		_ = statement.Parse(text)
		_ = fence.Check(text)
		require.Less(t, time.Since(begun), 10*time.Second, name)
	}
	require.NotEmpty(t, fence.Check("SELECT "+tags.String()), "what could not be cut up is refused")
}
