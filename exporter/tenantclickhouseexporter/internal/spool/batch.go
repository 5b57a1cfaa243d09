package spool

import (
	"fmt"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/encode"
	"github.com/telemetryflow/telemetryflow/internal/wal"
)

// Batch is what is inserted together. Its content never changes.
type Batch struct {
	ID    ID
	Items Items

	from, to wal.Position // where its groups are in the log
	groups   uint64
	encoder  *encode.Encoder // that made it; nil: it is read from the log
	log      *wal.Log
}

// Blocks returns the blocks to insert, from memory or from the log. Lost is how many
// items the log no longer has, because bytes of it have changed.
func (b *Batch) Blocks() (blocks []*encode.Block, lost int, err error) {
	if b.encoder != nil {
		return b.encoder.Blocks(), 0, nil
	}
	rebuilt := &encode.Rebuilt{}
	var next uint64
	var found Items
	_, err = b.log.Replay(b.from, b.to, func(r wal.Record) error {
		if r.Kind != kindGroup {
			return nil
		}
		g, growth, err := parseGroup(r.Payload)
		if err != nil {
			return err
		}
		if g.batch != b.ID || g.number != next { // what follows a lost group refers to it
			return nil
		}
		next++
		found.add(g.items)
		return rebuilt.Absorb(growth)
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read batch %s: %w", b.ID, err)
	}
	return rebuilt.Blocks(), b.Items.Total() - found.Total(), nil
}

// grow adds a group that is durable.
func (b *Batch) grow(g group, from, to wal.Position) {
	if b.groups == 0 {
		b.from = from
	}
	b.to = to
	b.groups++
	b.Items.add(g.items)
}
