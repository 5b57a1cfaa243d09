package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/deadletter"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
)

// letterOf makes a letter for the table notes, of two rows.
func letterOf(t *testing.T, id string, first uint64) *deadletter.Letter {
	t.Helper()
	var ids proto.ColUInt64
	var times proto.ColDateTime64
	var texts proto.ColStr
	times.WithPrecision(proto.PrecisionNano).WithLocation(time.UTC)
	for i := range uint64(2) {
		ids.Append(first + i)
		times.Append(time.Unix(1_700_000_000, 0))
		texts.Append("note")
	}
	var body proto.Buffer
	input := proto.Input{{Name: "ingest_id", Data: &ids}, {Name: "timestamp", Data: &times}, {Name: "text", Data: &texts}}
	require.NoError(t, proto.Block{Rows: 2, Columns: 3}.EncodeRawBlock(&body, 0, input))
	return &deadletter.Letter{ID: id, Header: deadletter.Header{
		Written: time.Now().UTC(), Signal: "logs", Batch: "0102030405060708/1", Table: "notes", Rows: 2, Cause: "code: 469, message: refused\nmore",
		Blocks: []deadletter.Block{{Table: "notes", Columns: []string{"ingest_id", "timestamp", "text"}, Token: id, Rows: 2, Body: body.Buf}},
	}}
}

func openClickHouse(t *testing.T, url string) driver.Conn {
	t.Helper()
	options, err := clickhouse.ParseDSN(url)
	require.NoError(t, err)
	conn, err := clickhouse.Open(options)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestDeadLetterCommand(t *testing.T) {
	t.Parallel()
	database := testkit.ClickHouse(t)
	conn := openClickHouse(t, database.URL)
	require.NoError(t, conn.Exec(t.Context(), "CREATE TABLE notes (ingest_id UInt64, timestamp DateTime64(9, 'UTC'), text String, "+
		"CONSTRAINT short CHECK length(text) < 2) ENGINE = MergeTree ORDER BY ingest_id SETTINGS non_replicated_deduplication_window = 100"))
	directory := t.TempDir()
	folder := deadletter.Open(filepath.Join(directory, "tenant_clickhouse", "logs", deadletter.FolderName))
	for i, id := range []string{"one", "two", "three"} {
		require.NoError(t, folder.Write(letterOf(t, id, uint64(10*i))))
	}
	run := func(args ...string) (string, error) {
		return runCommand(t, append(append([]string{"deadletter"}, args...), "--directory", directory)...)
	}
	must := func(args ...string) string {
		out, err := run(args...)
		require.NoError(t, err, args)
		return out
	}

	out := must("list")
	require.Contains(t, out, "one")
	require.Contains(t, out, "code: 469, message: refused")
	require.NotContains(t, out, "more")
	require.Contains(t, must("list", "--output", "json"), `"table": "notes"`)
	require.Contains(t, must("show", "two"), `"ingest_id":10`)
	_, err := run("show", "four")
	require.ErrorContains(t, err, `there is no dead letter "four"`)
	_, err = run("replay", "--clickhouse-url", database.URL)
	require.ErrorContains(t, err, "name letters, or all of them with --all")
	_, err = run("replay", "one", "--clickhouse-url", "")
	require.ErrorContains(t, err, "TELEMETRYFLOW_CLICKHOUSE_URL")

	_, err = run("replay", "--all", "--clickhouse-url", database.URL)
	require.ErrorContains(t, err, "one stays")
	require.NoError(t, conn.Exec(t.Context(), "ALTER TABLE notes DROP CONSTRAINT short"))
	require.Contains(t, must("replay", "one", "--clickhouse-url", database.URL), "one: 2 rows of notes are stored")
	_, err = run("replay", "one", "--clickhouse-url", database.URL)
	require.Error(t, err, "it is gone")
	require.NoError(t, folder.Write(letterOf(t, "one", 0)))
	must("replay", "one", "two", "--clickhouse-url", database.URL)
	var rows uint64
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT count() FROM notes").Scan(&rows))
	require.EqualValues(t, 4, rows, "each once")
	replayed, err := folder.Replayed()
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"one", "two"}, replayed, "for the collector to count")

	require.NoError(t, os.WriteFile(filepath.Join(folder.Path(), "bad.letter"), []byte("{}\nx"), 0o600))
	out, err = run("list")
	require.ErrorIs(t, err, deadletter.ErrUnreadable)
	require.Contains(t, out, "three")
	require.Contains(t, must("drop", "--all"), "three: dropped")
	require.Empty(t, must("list"))
}
