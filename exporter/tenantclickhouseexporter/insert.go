package tenantclickhouseexporter

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"go.uber.org/zap"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/encode"
	"github.com/telemetryflow/telemetryflow/internal/insertion"
)

// insertOf is the insert of a block. Name begins the token,
// <name>/<table>/<rank>/<hash>.
func insertOf(block *encode.Block, name string) *insertion.Insert {
	return &insertion.Insert{
		Table:   block.Table(),
		Columns: block.Columns(),
		Token:   insertion.Token(fmt.Sprintf("%s/%s/%d", name, block.Table(), block.Rank()), block),
		Body:    block,
		Rows:    block.Rows(),
	}
}

// inserter sends inserts while the schema is one that it knows.
type inserter struct {
	conn      driver.Conn
	schema    *schemaGate
	timeout   time.Duration
	telemetry *telemetry
	logger    *zap.Logger
}

// heldBackError is why an insert was not sent. Nothing of it is stored.
type heldBackError struct{ error }

func (h heldBackError) Unwrap() error { return h.error }

func (i *inserter) send(ctx context.Context, one *insertion.Insert) error {
	ctx, cancel := context.WithTimeout(ctx, i.timeout)
	defer cancel()
	if err := i.schema.open(ctx); err != nil {
		return heldBackError{err}
	}
	one.Suffix = i.schema.tables()
	begin := time.Now()
	written, err := one.Send(ctx, i.conn)
	i.telemetry.inserted(ctx, one.Table, one.Rows, time.Since(begin), err)
	if err == nil && written > 0 && written < uint64(one.Rows) {
		i.logger.Error("ClickHouse says that it has written fewer rows than it was sent; they may be missing.",
			zap.String("table", one.Table), zap.Uint64("written", written), zap.Int("sent", one.Rows))
	}
	return err
}
