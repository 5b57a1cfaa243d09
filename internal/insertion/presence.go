package insertion

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	chproto "github.com/ClickHouse/clickhouse-go/v2/lib/proto"
)

// lookupRows is how many rows one query looks for: it stays below half of ClickHouse's
// max_query_size, 262,144 bytes.
const lookupRows = 800

// Stored says whether the table has the rows of an insert that goes into one partition,
// and so is stored whole or not at all. A row is found by its ingest_id, or, in tables
// without one, by tenant, series and time. It is for an insert whose token ClickHouse may
// have forgotten. Labels of series never count as stored: other inserts may have brought
// some of them, and to insert them again changes nothing.
func (i *Insert) Stored(ctx context.Context, conn driver.Conn) (bool, error) {
	if i.Table == "metric_series" {
		return false, nil
	}
	block, err := i.Decode()
	if err != nil {
		return false, err
	}
	for from := 0; from < i.Rows; from += lookupRows {
		query, keys, err := lookup(i, block, from, min(from+lookupRows, i.Rows))
		if err != nil {
			return false, err
		}
		var found uint64
		if err := conn.QueryRow(ctx, query).Scan(&found); err != nil {
			return false, fmt.Errorf("look for rows in %s: %w", i.Table, err)
		}
		if found < uint64(keys) {
			return false, nil
		}
	}
	return true, nil
}

// Decode reads the body.
func (i *Insert) Decode() (*chproto.Block, error) {
	block := chproto.NewBlock()
	if err := block.Decode(proto.NewReader(&stream{body: i.Body}), 0); err != nil {
		return nil, fmt.Errorf("read the block for %s: %w", i.Table, err)
	}
	return block, nil
}

// keys are the columns by which rows of a table are told apart, and the one by which
// it is partitioned.
var (
	withID    = []string{"ingest_id"}
	bySeries  = []string{"tenant_id", "series_id", "timestamp"}
	exemplars = []string{"tenant_id", "series_id", "sample_timestamp", "position"}
)

func keysOf(table string) (keys []string, time string) {
	switch table {
	case "metric_samples", "metric_histogram_samples":
		return bySeries, "timestamp"
	case "exemplars":
		return exemplars, "sample_timestamp"
	default:
		return withID, "timestamp"
	}
}

// lookup makes the query that counts some rows of a block in the table, and says how many
// there are to be found. Rows of one key count once.
func lookup(insert *Insert, block *chproto.Block, from, to int) (query string, wanted int, err error) {
	keys, timeColumn := keysOf(insert.Table)
	columns := make([]int, len(keys))
	times := -1
	for i := range columns {
		columns[i] = -1
	}
	for at, name := range block.ColumnsNames() {
		for i, key := range keys {
			if key == name {
				columns[i] = at
			}
		}
		if name == timeColumn {
			times = at
		}
	}
	var tuples []string
	var first, last time.Time
	for row := from; row < to; row++ {
		values := make([]string, len(columns))
		for i, column := range columns {
			if column < 0 {
				return "", 0, errors.New("the block lacks the column " + keys[i])
			}
			values[i] = literal(block.Columns[column].Row(row, false))
		}
		tuples = append(tuples, "("+strings.Join(values, ",")+")")
		at, _ := block.Columns[times].Row(row, false).(time.Time)
		if row == from || at.Before(first) {
			first = at
		}
		if row == from || at.After(last) {
			last = at
		}
	}
	slices.Sort(tuples)
	tuples = slices.Compact(tuples)
	names := strings.Join(keys, ", ")
	return "SELECT count() FROM (SELECT DISTINCT " + names + " FROM " + insert.Table + insert.Suffix +
		" WHERE " + timeColumn + " BETWEEN " + literal(first) + " AND " + literal(last) +
		" AND (" + names + ") IN (" + strings.Join(tuples, ",") + "))", len(tuples), nil
}

// literal writes a value of a key column; none of them can hold a quote.
func literal(value any) string {
	switch v := value.(type) {
	case uint64:
		return strconv.FormatUint(v, 10)
	case uint32:
		return strconv.FormatUint(uint64(v), 10)
	case time.Time:
		return "fromUnixTimestamp64Nano(" + strconv.FormatInt(v.UnixNano(), 10) + ", 'UTC')"
	default:
		return fmt.Sprintf("'%v'", v) // a UUID
	}
}
