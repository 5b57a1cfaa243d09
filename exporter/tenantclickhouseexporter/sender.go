package tenantclickhouseexporter

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/encode"
	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/spool"
	"github.com/telemetryflow/telemetryflow/internal/chconn"
)

// send sends one batch after another, until no more are to be sent.
func (l *logged) send(ctx context.Context) {
	for {
		batch, err := l.spool.Next(ctx)
		if err != nil {
			return
		}
		if !l.deliver(ctx, batch) {
			return // it is in the log, and will be sent after the next start
		}
	}
}

// deliver stores a batch, however long that takes. It gives up only when the context
// ends.
func (l *logged) deliver(ctx context.Context, batch *spool.Batch) (delivered bool) {
	blocks, err := l.blocks(ctx, batch)
	if err != nil {
		return false
	}
	if _, known := batch.Parts(); !known && !batch.Recovered {
		if parts, err := l.parts(ctx); err == nil {
			batch.SetParts(parts)
		}
	}
	for _, block := range l.toSend(batch, blocks) {
		if !l.deliverBlock(ctx, batch, block) {
			return false
		}
	}
	said := hintsOf(blocks, batch, l.signal)
	l.telemetry.stored(ctx, batch.Items()-batch.DeadItems())
	l.spool.Commit(batch)
	l.hints.tell(ctx, said)
	return true
}

// blocks reads a batch. What the log has lost is told; a log that cannot be read at
// the moment is read again.
func (l *logged) blocks(ctx context.Context, batch *spool.Batch) ([]*encode.Block, error) {
	for attempt := 1; ; attempt++ {
		blocks, lost, err := batch.Blocks()
		if err == nil {
			if lost > 0 {
				l.logger.Error("Items that were acknowledged are lost: their part of the log has changed on disk.",
					zap.Stringer("batch", batch.ID), zap.Int("items", lost))
				l.telemetry.lost(ctx, lost)
			}
			return blocks, nil
		}
		l.logger.Error("A batch cannot be read from the log; it waits.", zap.Error(err), zap.Int("attempt", attempt))
		if !pause(ctx, l.config.Retry.delay(attempt)) {
			return nil, ctx.Err()
		}
	}
}

// delivery is one block on its way to ClickHouse.
type delivery struct {
	*logged
	batch *spool.Batch
	block *encode.Block
	// unknown: a send may have worked although it failed.
	unknown bool
	looked  bool // rest is what was missing of the block
	rest    *encode.Block
	cause   error // why rows are bad
}

// deliverBlock stores what ClickHouse takes of a block; the rest goes to the dead letters.
func (l *logged) deliverBlock(ctx context.Context, batch *spool.Batch, block *encode.Block) bool {
	d := &delivery{logged: l, batch: batch, block: block, unknown: batch.Recovered}
	for attempt := 1; ; attempt++ {
		err := d.attempt(ctx)
		if err == nil {
			return true
		}
		var found *badRowsError
		if errors.As(err, &found) || d.gaveUp(ctx, attempt) {
			d.cause, d.looked, d.rest, attempt = err, false, nil, 0
			continue // what to leave out is noted; now the rest
		}
		l.complain(block, err, attempt)
		if !pause(ctx, l.config.Retry.delay(attempt)) {
			return false
		}
	}
}

// attempt sends the block once, without the rows that are known to be bad, and writes
// the letter of those first. When the block has rows that ClickHouse will never take, it
// finds them, notes them, and returns a badRowsError.
func (d *delivery) attempt(ctx context.Context) error {
	good := d.block
	bad, split := d.batch.Split(d.block)
	if split {
		if err := d.writeLetter(ctx, d.batch, d.block, bad, d.cause); err != nil {
			return err
		}
		if len(bad) == d.block.Rows() {
			return nil
		}
		good = d.block.Select(encode.Without(d.block.Rows(), bad)...)
	}
	good, err := d.lacking(ctx, good)
	if err != nil || good == nil {
		return err
	}
	err = d.inserter.send(ctx, insertOf(good, d.batch.ID.String()))
	d.failing.Store(err != nil)
	d.unknown = d.unknown || err != nil && outcomeUnknown(err)
	if err == nil || split || chconn.Classify(err) != chconn.Permanent {
		return err
	}
	return d.isolate(ctx, err)
}

// lacking returns what ClickHouse lacks of a block, as far as that has to be looked up;
// nil is nothing. A batch that the earlier run had not sealed is looked up once: when
// the log is a copy, its original may have sent these rows in a larger batch.
func (d *delivery) lacking(ctx context.Context, block *encode.Block) (*encode.Block, error) {
	look := looksUp && d.batch.Unsealed && !d.looked
	if !look && d.unknown {
		forgotten, err := d.forgotten(ctx, d.batch)
		if err != nil {
			return nil, err
		}
		look = forgotten
	}
	if !look {
		if d.rest != nil {
			return d.rest, nil
		}
		return block, nil
	}
	rest, err := d.missing(ctx, block, d.batch.ID.String())
	if err == nil {
		d.looked, d.rest = true, rest
	}
	return rest, err
}

// isolate finds and notes the bad rows of the block for which an insert was refused.
func (d *delivery) isolate(ctx context.Context, refusal error) error {
	bad, err := d.findBad(ctx, d.block)
	if err != nil {
		return errors.Join(refusal, err)
	}
	if len(bad) == 0 {
		return refusal // it is not the rows: a view, or the table has changed meanwhile
	}
	if err := d.spool.Split(d.batch, d.block, bad); err != nil {
		return err
	}
	return &badRowsError{refusal}
}

// gaveUp makes all rows of a block bad when no attempt is left for it.
func (d *delivery) gaveUp(ctx context.Context, attempt int) bool {
	if !d.config.Retry.exhausted(attempt) || ctx.Err() != nil {
		return false
	}
	if _, split := d.batch.Split(d.block); split {
		return false // its letter is written, and the others have been promised to be sent
	}
	return d.spool.Split(d.batch, d.block, allRows(d.block)) == nil
}

// badRowsError says that bad rows were found and noted.
type badRowsError struct{ cause error }

func (e *badRowsError) Error() string { return e.cause.Error() }

func allRows(block *encode.Block) []int {
	rows := make([]int, block.Rows())
	for i := range rows {
		rows[i] = i
	}
	return rows
}

func (l *logged) complain(block *encode.Block, err error, attempt int) {
	fields := []zap.Field{zap.String("table", block.Table()), zap.String("error", chconn.Describe(err)), zap.Int("attempt", attempt)}
	switch chconn.Classify(err) {
	case chconn.Mismatch:
		l.inserter.schema.doubt()
		l.logger.Error("ClickHouse does not have what the insert needs; its rows wait in the log.", fields...)
	case chconn.Permanent:
		l.logger.Error("ClickHouse refuses an insert, but none of its rows: perhaps a materialized view fails. Its rows wait in the log.", fields...)
	default:
		l.logger.Warn("Could not insert; its rows wait in the log.", fields...)
	}
}

// pause waits, and says whether to go on.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
