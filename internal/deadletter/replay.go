package deadletter

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/telemetryflow/telemetryflow/internal/insertion"
)

// Replay inserts the rows of a letter, each once: also when it is repeated, and when
// a block is in its table already, which has it whole or not at all.
func (l *Letter) Replay(ctx context.Context, conn driver.Conn) error {
	suffix, err := insertion.Suffix(ctx, conn)
	if err != nil {
		return err
	}
	for i := range l.Blocks {
		b := &l.Blocks[i]
		insert := &insertion.Insert{Table: b.Table, Suffix: suffix, Columns: b.Columns, Token: b.Token, Body: insertion.Bytes(b.Body), Rows: b.Rows}
		stored, err := insert.Stored(ctx, conn)
		if err != nil {
			return err
		}
		if stored {
			continue
		}
		if _, err := insert.Send(ctx, conn); err != nil {
			return err
		}
	}
	return nil
}

// Show calls visit with every row of the letter, by column.
func (l *Letter) Show(visit func(row map[string]any) error) error {
	for i := range l.Blocks {
		b := &l.Blocks[i]
		if b.Table != l.Table {
			continue
		}
		block, err := (&insertion.Insert{Table: b.Table, Body: insertion.Bytes(b.Body), Rows: b.Rows}).Decode()
		if err != nil {
			return fmt.Errorf("%s: %w", l.ID, err)
		}
		names := block.ColumnsNames()
		for row := range b.Rows {
			values := make(map[string]any, len(names))
			for at, name := range names {
				values[name] = block.Columns[at].Row(row, false)
			}
			if err := visit(values); err != nil {
				return err
			}
		}
	}
	return nil
}
