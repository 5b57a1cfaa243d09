package tenantclickhouseexporter

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/encode"
	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/spool"
)

// ClickHouse remembers the tokens of the last 100,000 parts of each table, which all
// collectors share (migrations/clickhouse, deduplication windows). When so many may
// have come since a batch was sealed, a repetition is not sure to be recognised.
const (
	// safeParts is half of that, counted over all tables together.
	safeParts = 50_000
	// safeTime is for how long the count is believed: a partition that is dropped takes
	// its parts out of it.
	safeTime = 6 * time.Hour
	// safeUncounted is in how short a time so many parts are not made.
	safeUncounted = 10 * time.Minute
	// partsInterval is how often parts are counted for the batches to come.
	partsInterval = 10 * time.Second
)

const partsQuery = `SELECT toUInt64(sum(parts)) FROM (
	SELECT max(max_block_number) AS parts FROM system.parts WHERE database = currentDatabase() GROUP BY table, partition_id)`

// parts counts the parts that were ever inserted.
func (l *logged) parts(ctx context.Context) (parts uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, l.config.Timeout)
	defer cancel()
	if err := l.conn.QueryRow(ctx, partsQuery).Scan(&parts); err != nil {
		return 0, fmt.Errorf("count the parts of the tables: %w", err)
	}
	return parts, nil
}

// countParts tells the spool what to write into the seals of the next batches.
func (l *logged) countParts(ctx context.Context) {
	if parts, err := l.parts(ctx); err == nil { // else the last count is a smaller one, which is safe
		l.spool.SetParts(parts)
	}
}

// forgotten says whether ClickHouse may have forgotten the tokens of a batch. As long
// as it has not, a repetition is better than a look-up: it also makes views whole that
// a crash has left without their rows.
func (l *logged) forgotten(ctx context.Context, batch *spool.Batch) (bool, error) {
	now, err := l.parts(ctx)
	if err != nil {
		return false, err
	}
	sealed, known := batch.Parts()
	age := time.Since(batch.Oldest())
	if !known { // it was sealed while nobody could count
		return looksUp && now >= l.safeParts && age > safeUncounted, nil
	}
	// A count that has gone back tells nothing: parts have expired.
	return looksUp && (now < sealed || now-sealed >= l.safeParts || age > safeTime), nil
}

// missing returns the part of a block that its table lacks, nil for none: a send whose
// answer is not known may have stored any of its partitions.
func (l *logged) missing(ctx context.Context, block *encode.Block, name string) (*encode.Block, error) {
	if err := l.inserter.schema.open(ctx); err != nil {
		return nil, err
	}
	var absent []encode.Range
	for _, part := range block.PartitionRanges() {
		one := insertOf(block.Select(part...), name)
		one.Suffix = l.inserter.schema.tables()
		stored, err := one.Stored(ctx, l.conn)
		if err != nil {
			return nil, err
		}
		if !stored {
			absent = append(absent, part...)
		}
	}
	absent = encode.Sorted(absent)
	l.logger.Info("Looked for a batch in ClickHouse, which may have forgotten its token.",
		zap.String("batch", name), zap.String("table", block.Table()), zap.Int("rows", block.Rows()), zap.Int("missing", encode.Rows(absent)))
	switch encode.Rows(absent) {
	case 0:
		return nil, nil //nolint:nilnil // nothing is missing
	case block.Rows():
		return block, nil // with the very bytes of its token
	default:
		return block.Select(absent...), nil
	}
}
