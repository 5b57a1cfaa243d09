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

// deliverBlock stores what ClickHouse takes of a block; the rest goes to the dead letters.
func (l *logged) deliverBlock(ctx context.Context, batch *spool.Batch, block *encode.Block) bool {
	var cause error
	for attempt := 1; ; attempt++ {
		done, err := l.attempt(ctx, batch, block, cause)
		if done {
			return true
		}
		var found *badRowsError
		if errors.As(err, &found) {
			cause, attempt = found.cause, 0
			continue // the split is noted; now the rest
		}
		l.complain(block, err, attempt)
		if l.gaveUp(ctx, batch, block, attempt) {
			cause, attempt = err, 0
			continue
		}
		if !pause(ctx, l.config.Retry.delay(max(attempt, 1))) {
			return false
		}
	}
}

// attempt sends a block once, without the rows that are known to be bad, and writes
// the letter of those first. When the block has rows that ClickHouse will never take, it
// finds them, notes them, and returns a badRowsError.
func (l *logged) attempt(ctx context.Context, batch *spool.Batch, block *encode.Block, cause error) (done bool, err error) {
	good := block
	if bad, split := batch.Split(block); split {
		if err := l.writeLetter(batch, block, bad, cause); err != nil {
			return false, err
		}
		if len(bad) == block.Rows() {
			return true, nil
		}
		good = block.Select(encode.Without(block.Rows(), bad)...)
	}
	err = l.inserter.send(ctx, insertOf(good, batch.ID.String()))
	l.failing.Store(err != nil)
	if err == nil {
		return true, nil
	}
	if chconn.Classify(err) != chconn.Permanent || good != block {
		return false, err
	}
	bad, searchErr := l.findBad(ctx, block)
	if searchErr != nil {
		return false, errors.Join(err, searchErr)
	}
	if len(bad) == 0 {
		return false, err // it is not the rows: a view, or the table has changed meanwhile
	}
	if err := l.spool.Split(batch, block, bad); err != nil {
		return false, err
	}
	return false, &badRowsError{err}
}

// badRowsError says that bad rows were found and noted.
type badRowsError struct{ cause error }

func (e *badRowsError) Error() string { return e.cause.Error() }

// gaveUp makes all rows of a block bad when no attempt is left for it.
func (l *logged) gaveUp(ctx context.Context, batch *spool.Batch, block *encode.Block, attempt int) bool {
	if !l.config.Retry.exhausted(attempt) || ctx.Err() != nil {
		return false
	}
	if _, split := batch.Split(block); split {
		return false // its letter is written, and the others have been promised to be sent
	}
	return l.spool.Split(batch, block, allRows(block)) == nil
}

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
