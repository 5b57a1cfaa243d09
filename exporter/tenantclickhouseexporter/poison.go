package tenantclickhouseexporter

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/encode"
	"github.com/telemetryflow/telemetryflow/internal/chconn"
	"github.com/telemetryflow/telemetryflow/internal/insertion"
)

// probeRows is how many rows are tried at once: a statement costs about as much as
// parsing so many rows.
const probeRows = 1024

// findBad finds the rows of a block that its table will never take, without storing
// any: by inserting parts of it into a twin of the table that keeps nothing.
func (l *logged) findBad(ctx context.Context, block *encode.Block) (bad []int, err error) {
	var random [8]byte
	_, _ = rand.Read(random[:])
	p := &probe{logged: l, block: block, table: block.Table() + "_probe_" + hex.EncodeToString(random[:])}
	if err := l.exec(ctx, "CREATE TABLE "+p.table+" AS "+block.Table()+l.inserter.schema.tables()+" ENGINE = Null"); err != nil {
		return nil, fmt.Errorf("make a table to look for bad rows with; the user needs the right to CREATE and DROP tables named %s_probe_…: %w", block.Table(), err)
	}
	defer func() { _ = l.exec(context.WithoutCancel(ctx), "DROP TABLE IF EXISTS "+p.table) }()
	for from := 0; from < block.Rows(); from += probeRows {
		if err := p.search(ctx, encode.Range{From: from, To: min(from+probeRows, block.Rows())}); err != nil {
			return nil, err
		}
	}
	slices.Sort(p.bad)
	return p.bad, nil
}

func (l *logged) exec(ctx context.Context, statement string) error {
	ctx, cancel := context.WithTimeout(ctx, l.config.Timeout)
	defer cancel()
	return l.conn.Exec(ctx, statement)
}

type probe struct {
	*logged
	block *encode.Block
	table string
	bad   []int
}

// search finds the bad rows of a range. ClickHouse mostly says which row it refuses;
// else the range is halved.
func (p *probe) search(ctx context.Context, r encode.Range) error {
	if r.From == r.To {
		return nil
	}
	err := p.try(ctx, r)
	if err == nil {
		return nil
	}
	if chconn.Classify(err) != chconn.Permanent {
		return fmt.Errorf("look for bad rows: %w", err)
	}
	if r.To-r.From == 1 {
		p.bad = append(p.bad, r.From)
		return nil
	}
	middle := r.From + (r.To-r.From)/2
	parts := []encode.Range{{From: r.From, To: middle}, {From: middle, To: r.To}}
	if row, said := refusedRow(err); said && row < r.To-r.From {
		row += r.From
		parts = []encode.Range{{From: row, To: row + 1}, {From: r.From, To: row}, {From: row + 1, To: r.To}}
	}
	for _, part := range parts {
		if err := p.search(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

func (p *probe) try(ctx context.Context, r encode.Range) error {
	ctx, cancel := context.WithTimeout(ctx, p.config.Timeout)
	defer cancel()
	part := p.block.Select(r)
	one := insertion.Insert{Table: p.table, Columns: part.Columns(), Body: part, Rows: part.Rows(), Token: insertion.Token(p.table, part)}
	_, err := one.Send(ctx, p.conn)
	return err
}

var rowInMessage = regexp.MustCompile(` is violated at row (\d+)`)

// refusedRow reads which row of an insert violates a constraint.
func refusedRow(err error) (row int, said bool) {
	match := rowInMessage.FindStringSubmatch(chconn.Describe(err))
	if match == nil {
		return 0, false
	}
	row, failed := strconv.Atoi(match[1])
	return max(row-1, 0), failed == nil // counted from 1
}
