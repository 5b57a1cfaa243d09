// Package insertion stores blocks in ClickHouse so that repeating one changes
// nothing: one INSERT is one block, under a token that ClickHouse remembers.
package insertion

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/zeebo/xxh3"

	"github.com/telemetryflow/telemetryflow/internal/chconn"
)

// Insert is one INSERT with its bytes, which stay the same however often it is
// repeated.
type Insert struct {
	Table   string
	Suffix  string // of the table's name: see Suffix
	Columns []string
	Token   string      // insert_deduplication_token
	Body    io.WriterTo // a block in the Native format; it writes the same bytes each time
	Rows    int
}

// Token makes the token of a block: its name, and a hash of its bytes.
func Token(name string, body io.WriterTo) string {
	hasher := xxh3.New()
	_, _ = body.WriteTo(hasher) // a hash takes all
	hash := hasher.Sum128().Bytes()
	return name + "/" + hex.EncodeToString(hash[:])
}

// Statement names the columns, so that a table with more of them takes the block.
func (i *Insert) Statement() string {
	return "INSERT INTO " + i.Table + i.Suffix + " (" + strings.Join(i.Columns, ", ") + ")"
}

// Send sends the insert once, and returns how many rows ClickHouse says that it has
// written: those of materialized views count, and 0 means that it does not say.
func (i *Insert) Send(ctx context.Context, conn driver.Conn) (written uint64, err error) {
	ctx, count := chconn.WithWritten(ctx)
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"insert_deduplication_token": sentToken(i.Token)}))
	ctx, cancel := context.WithCancel(ctx)
	body := &stream{body: i.Body}
	err = conn.InsertFormat(ctx, "Native", i.Statement(), body)
	cancel() // else a connection that is still written to might wait for its reader
	body.end()
	if err != nil {
		return 0, fmt.Errorf("insert into %s: %w", i.Table, err)
	}
	return count.Rows(), nil
}

// Suffix is what the names of the tables end in that hold the rows: "_local" on a
// cluster, where a table of the plain name is Distributed and would insert later, under
// no token; else nothing.
func Suffix(ctx context.Context, conn driver.Conn) (string, error) {
	var local uint64
	err := conn.QueryRow(ctx, "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = 'spans_local'").Scan(&local)
	if err != nil {
		return "", fmt.Errorf("look for the tables of a cluster: %w", err)
	}
	if local == 0 {
		return "", nil
	}
	return "_local", nil
}

// MaxRows is the most rows that an insert may have.
const MaxRows = 1 << 24

// Settings make one INSERT one block, whose repetition ClickHouse recognises by its
// token, also in the tables behind materialized views. The quorum is ClickHouse's
// insert_quorum, empty for none.
func Settings(timeout time.Duration, quorum string) map[string]any {
	settings := map[string]any{
		"async_insert":                                       0, // the blocks are batches already
		"max_insert_threads":                                 1, // several would split the block
		"max_insert_block_size":                              MaxRows,
		"min_insert_block_size_rows":                         MaxRows,
		"min_insert_block_size_bytes":                        1 << 30,
		"max_partitions_per_insert_block":                    100,
		"insert_deduplicate":                                 1,
		"deduplicate_blocks_in_dependent_materialized_views": deduplicateViews,
		"materialize_skip_indexes_on_insert":                 0, // merges build them, while no client waits
		"max_execution_time":                                 int(timeout.Seconds()) + 1,
		"wait_end_of_query":                                  1, // a failure after the first byte would look like success
	}
	if quorum != "" {
		settings["insert_quorum"] = quorum
	}
	return settings
}
