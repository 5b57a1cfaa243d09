//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/telemetryflow/telemetryflow/bench/ingest/internal/corpus"
	"github.com/telemetryflow/telemetryflow/bench/ingest/internal/proc"
	"github.com/telemetryflow/telemetryflow/bench/ingest/internal/rig"
	"github.com/telemetryflow/telemetryflow/internal/insertion"
)

// Ideal inserts: blocks so large that an insert's fixed cost is nothing, sent by as
// many clients as keep two processors busy.
const (
	idealRows    = 65_536
	idealClients = 2
)

// idealTimeout is of one insert.
const idealTimeout = 2 * time.Minute

// idealSettings are the exporter's, so that both sides ask the same of the engine.
func idealSettings(token string) url.Values {
	parameters := url.Values{"insert_deduplication_token": {token}}
	for name, value := range insertion.Settings(idealTimeout, "") {
		parameters.Set(name, fmt.Sprint(value))
	}
	return parameters
}

// share is the engine's processor time per million spans: for ideal blocks, and
// through the exporter.
type share struct{ ideal, exporter idealCost }

// idealCost is until the last row could be counted, and until merges had settled.
type idealCost struct{ stored, settled float64 }

// share compares what the engine spends through our exporter with what it spends
// on the same rows in ideal blocks.
func (b *bench) share(ctx context.Context) error {
	ours, one := b.options.pipelines[0], share{}
	var blocks [][]byte
	var columns string
	s, err := b.measure(ctx, ours, b.full(corpus.Traces), hooks{
		name: partShare + "-" + ours.Name,
		stored: func(ctx context.Context, c *rig.Collector, s *sample) error {
			settled, err := b.settled(ctx, s.engineFrom)
			if err != nil {
				return err
			}
			one.exporter = idealCost{s.perMillion(s.engine), s.perMillion(settled)}
			columns, blocks, err = b.capture(ctx, c.Database, s.rows)
			return err
		},
	})
	if err != nil {
		return fmt.Errorf("%s: %w", partShare, err)
	}
	b.report.add(partShare, ours.Name, s)
	if one.ideal, err = b.ideal(ctx, columns, blocks); err != nil {
		return fmt.Errorf("insert ideal blocks: %w", err)
	}
	b.report.share(one)
	return nil
}

// settled waits for merges and returns the engine's processor time since a moment.
func (b *bench) settled(ctx context.Context, from time.Duration) (time.Duration, error) {
	if err := b.rig.Settle(ctx); err != nil {
		return 0, err
	}
	now, err := proc.CPU(b.rig.Engine.PID)
	return now - from, err
}

// capture reads the stored spans back as blocks, in the order of their arrival.
func (b *bench) capture(ctx context.Context, database string, rows int64) (columns string, blocks [][]byte, err error) {
	names, err := b.rig.Engine.Lines(ctx, database,
		"SELECT name FROM system.columns WHERE database = currentDatabase() AND table = 'spans' ORDER BY position")
	if err != nil {
		return "", nil, err
	}
	columns = strings.Join(names, ", ")
	whole := url.Values{"max_block_size": {strconv.Itoa(idealRows)}, "preferred_block_size_bytes": {"0"}, "max_threads": {"1"}}
	for from := int64(0); from+idealRows <= rows; from += idealRows {
		query := fmt.Sprintf("SELECT %s FROM spans ORDER BY ingest_id LIMIT %d, %d FORMAT Native", columns, from, idealRows)
		block, err := b.rig.Engine.Do(ctx, database, query, whole, nil)
		if err != nil {
			return "", nil, err
		}
		if got := blockRows(block); got != idealRows {
			return "", nil, fmt.Errorf("the engine gave a block of %d rows, not %d", got, idealRows)
		}
		blocks = append(blocks, block)
	}
	if len(blocks) < idealClients {
		return "", nil, fmt.Errorf("-items must be %d at least for the part %q", idealClients*idealRows, partShare)
	}
	return columns, blocks, nil
}

// blockRows is the second number of a Native block, after that of its columns.
func blockRows(block []byte) uint64 {
	_, n := binary.Uvarint(block)
	if n <= 0 {
		return 0
	}
	rows, _ := binary.Uvarint(block[n:])
	return rows
}

// ideal inserts the blocks into a new database.
func (b *bench) ideal(ctx context.Context, columns string, blocks [][]byte) (cost idealCost, err error) {
	b.runs++
	database := fmt.Sprintf("bench_%d", b.runs)
	if err := b.rig.Engine.Migrate(ctx, database); err != nil {
		return cost, err
	}
	defer func() { _ = b.rig.Engine.Drop(context.WithoutCancel(ctx), database) }()
	if _, err := b.quiet(ctx); err != nil {
		return cost, err
	}
	before, err := proc.CPU(b.rig.Engine.PID)
	if err != nil {
		return cost, err
	}
	clients, inserting := errgroup.WithContext(ctx)
	clients.SetLimit(idealClients)
	for i, block := range blocks {
		clients.Go(func() error {
			parameters := idealSettings(fmt.Sprintf("%s/%d", database, i))
			_, err := b.rig.Engine.Do(inserting, database, "INSERT INTO spans ("+columns+") FORMAT Native", parameters, bytes.NewReader(block))
			return err
		})
	}
	if err := clients.Wait(); err != nil {
		return cost, err
	}
	stored, err := proc.CPU(b.rig.Engine.PID)
	if err != nil {
		return cost, err
	}
	settled, err := b.settled(ctx, before)
	if err != nil {
		return cost, err
	}
	rows, err := b.rig.Engine.Int(ctx, database, "SELECT count() FROM spans")
	if err != nil {
		return cost, err
	}
	million := float64(rows) / 1e6
	if int(rows) != len(blocks)*idealRows {
		return cost, fmt.Errorf("%d rows of %d blocks are stored", rows, len(blocks))
	}
	return idealCost{(stored - before).Seconds() / million, settled.Seconds() / million}, nil
}
