package chsql_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
)

func TestSelect_Statement(t *testing.T) {
	t.Parallel()
	inner := chsql.Select{Columns: chsql.List{chsql.SQL("id")}, From: chsql.SQL("b"), Where: chsql.List{chsql.SQL("x = ?", chsql.String("v"))}}
	got := chsql.Select{
		Columns: chsql.List{chsql.SQL("a"), chsql.SQL("count() AS n")}, From: chsql.SQL("t"),
		Where:   chsql.List{chsql.SQL("id IN (?)", inner.Expr()), {}, chsql.Or(chsql.SQL("s = ?", chsql.String("v")), chsql.SQL("n > ?", chsql.Int64(-1)))},
		GroupBy: chsql.List{chsql.SQL("a")}, OrderBy: chsql.List{chsql.SQL("n DESC")}, Limit: 10,
	}.Statement()
	require.Equal(t, "SELECT a, count() AS n FROM t WHERE (id IN (SELECT id FROM b WHERE (x = {p1:String}))) AND ((s = {p1:String}) OR (n > {p2:Int64})) GROUP BY a ORDER BY n DESC LIMIT 10", got.SQL)
	require.Equal(t, map[string]string{"p1": "v", "p2": "-1"}, got.Parameters)
}

func TestSelect_Ties(t *testing.T) {
	t.Parallel()
	got := chsql.Select{Columns: chsql.List{chsql.SQL("a")}, From: chsql.SQL("t"), OrderBy: chsql.List{chsql.SQL("a")}, Limit: 2, WithTies: true}.Statement()
	require.Equal(t, "SELECT a FROM t ORDER BY a LIMIT 2 WITH TIES", got.SQL)
}

func TestLogical_Empty(t *testing.T) {
	t.Parallel()
	require.Equal(t, "true", chsql.And().Statement().SQL)
	require.Equal(t, "false", chsql.Or(chsql.Expr{}).Statement().SQL)
	require.Equal(t, "NOT (a)", chsql.Not(chsql.SQL("a")).Statement().SQL)
}

func TestSQL_CountsArguments(t *testing.T) {
	t.Parallel()
	require.Panics(t, func() { chsql.SQL("a = ?") })
	require.Panics(t, func() { chsql.SQL("a", chsql.Int64(1)) })
}

func TestValue_Text(t *testing.T) {
	t.Parallel()
	text := func(v chsql.Value) string { return chsql.SQL("?", v).Statement().Parameters["p1"] }
	require.Equal(t, `a\\b\t\n\r\0'{}?`, text(chsql.String("a\\b\t\n\r\x00'{}?")))
	require.Equal(t, `['it\'s','\\','']`, text(chsql.Strings([]string{"it's", `\`, ""})))
	require.Equal(t, "[]", text(chsql.Strings(nil)))
	require.Equal(t, "[18446744073709551615]", text(chsql.UInt64s([]uint64{math.MaxUint64})))
	require.Equal(t, "[nan,inf,-inf,0.1]", text(chsql.Float64s([]float64{math.NaN(), math.Inf(1), math.Inf(-1), 0.1})))
	require.Equal(t, "2026-01-02 03:04:05.000000006", text(chsql.Time(time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC))))
	require.Equal(t, "1900-01-01 00:00:00.000000000", text(chsql.Time(time.Time{})))
	require.Equal(t, "2262-04-11 23:47:16.854775807", text(chsql.Time(time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC))))
}
