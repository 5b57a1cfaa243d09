package tenantclickhouseexporter

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/encode"
	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/spool"
	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/chconn"
	"github.com/telemetryflow/telemetryflow/internal/deadletter"
	"github.com/telemetryflow/telemetryflow/internal/migrate"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// writeLetter writes the bad rows of a block to the dead letters. Writing them again,
// after a crash, makes the same letter.
func (l *logged) writeLetter(ctx context.Context, batch *spool.Batch, block *encode.Block, bad []int, cause error) error {
	id := fmt.Sprintf("%s-%d-%d", hex.EncodeToString(batch.ID.Writer[:]), batch.ID.Number, block.Rank())
	if l.letters.Has(id) {
		return nil
	}
	rows := block.Select(encode.Single(bad)...)
	letter := &deadletter.Letter{ID: id, Header: deadletter.Header{
		Written: time.Now().UTC(), Signal: l.signal.String(), Batch: batch.ID.String(), Table: block.Table(), Rows: rows.Rows(),
		Cause: "unknown: the collector was stopped while it looked for the rows", Schema: migrate.ClickHouseRange.Max,
		Items: itemsOf(batch.DeadIn(block)),
	}}
	if cause != nil {
		letter.Cause = chconn.Describe(cause)
	}
	for _, blocks := range append(sidesOf(batch, rows), rows) {
		for _, part := range blocks.ByPartition() {
			one := insertOf(part, "dead/"+id)
			letter.Blocks = append(letter.Blocks, deadletter.Block{
				Table: one.Table, Columns: one.Columns, Token: one.Token, Rows: one.Rows, Body: part.AppendNative(nil),
			})
		}
	}
	if err := l.letters.Write(letter); err != nil {
		return err
	}
	l.logger.Error("ClickHouse will never take some rows; they are in the dead letters. `telemetryflow deadletter` shows and replays them.",
		zap.String("table", block.Table()), zap.Int("rows", rows.Rows()), zap.String("letter", id), zap.String("cause", letter.Cause))
	l.telemetry.dead(ctx, block.Table(), rows.Rows())
	return nil
}

// sidesOf returns the labels of the series that some samples refer to, as far as they
// are in the batch: others are in ClickHouse, or on their way there.
func sidesOf(batch *spool.Batch, rows *encode.Block) []*encode.Block {
	series := rows.Numbers("series_id")
	if series == nil || rows.Table() == "metric_series" {
		return nil
	}
	wanted := make(map[uint64]bool)
	for i := range rows.Rows() {
		wanted[series(i)] = true
	}
	blocks, _, err := batch.Blocks()
	if err != nil {
		return nil // the labels of the batch are stored by themselves
	}
	var sides []*encode.Block
	for _, block := range blocks {
		if block.Table() != "metric_series" {
			continue
		}
		var found []int
		id := block.Numbers("series_id")
		for i := range block.Rows() {
			if wanted[id(i)] {
				found = append(found, i)
			}
		}
		if len(found) > 0 {
			sides = append(sides, block.Select(encode.Single(found)...))
		}
	}
	return sides
}

func itemsOf(dead []spool.Dead) []deadletter.Items {
	items := make([]deadletter.Items, len(dead))
	for i, d := range dead {
		items[i] = deadletter.Items{
			Request: d.Request, Key: apikey.ID(d.Account.Key).String(), Count: d.Items,
			Workspace: d.Account.Owner.Workspace.String(), Tenant: d.Account.Owner.Tenant.String(),
		}
	}
	return items
}

// settleReplayed counts the rows of replayed letters as stored.
func (l *logged) settleReplayed(ctx context.Context) {
	ids, err := l.letters.Replayed()
	if err != nil {
		l.logger.Warn("The dead letters cannot be listed.", zap.Error(err))
		return
	}
	for _, id := range ids {
		if err := l.settle(ctx, id); err != nil {
			l.logger.Warn("A replayed dead letter could not be counted yet.", zap.String("letter", id), zap.Error(err))
		}
	}
}

func (l *logged) settle(ctx context.Context, id string) error {
	letter, err := l.letters.Read(id)
	if err != nil {
		return err
	}
	batch, dead, err := deadOf(letter)
	if err != nil {
		return err
	}
	if err := l.spool.Replayed(batch, dead); err != nil {
		return err
	}
	l.telemetry.revived(ctx, letter.Table, letter.Rows)
	return l.letters.Settle(id)
}

// deadOf reads whose items are in a letter.
func deadOf(letter *deadletter.Letter) (batch spool.ID, dead []spool.Dead, err error) {
	if batch, err = spool.ParseID(letter.Batch); err != nil {
		return batch, nil, err
	}
	for _, items := range letter.Items {
		key, keyErr := apikey.ParseID(items.Key)
		workspace, workspaceErr := tenant.ParseID(items.Workspace)
		owner, ownerErr := tenant.ParseID(items.Tenant)
		if keyErr != nil || workspaceErr != nil || ownerErr != nil {
			return batch, nil, deadletter.ErrUnreadable
		}
		dead = append(dead, spool.Dead{Request: items.Request, Items: items.Count, Account: spool.Account{
			Key: spool.KeyID(key), Owner: tenant.Scope{Workspace: workspace, Tenant: owner},
		}})
	}
	return batch, dead, nil
}

// expireLetters removes the letters that are too old.
func (l *logged) expireLetters(ctx context.Context) {
	expired, err := l.letters.Expire(time.Now().Add(-l.config.DeadLetters.MaxAge))
	if err != nil {
		l.logger.Warn("Old dead letters could not be removed.", zap.Error(err))
	}
	for _, letter := range expired {
		l.logger.Error("A dead letter is too old and was removed with its rows.",
			zap.String("letter", letter.ID), zap.String("table", letter.Table), zap.Int("rows", letter.Rows), zap.Time("written", letter.Written))
		l.telemetry.expired(ctx, letter.Table, letter.Rows)
	}
}
