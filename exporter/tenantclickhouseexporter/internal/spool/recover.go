package spool

import (
	"encoding/binary"
	"fmt"

	"github.com/telemetryflow/telemetryflow/internal/wal"
)

// recovery is what a log says of the batches of earlier runs.
type recovery struct {
	log     *wal.Log
	batches []*Batch // without a commit, in their order
	byID    map[ID]*Batch
	sealed  map[ID]bool
	highest uint64 // number of a batch
}

// read reads the log. Damage costs the groups in it; what was readable of their
// batch is sent.
func read(log *wal.Log) (*recovery, []wal.Damage, error) {
	r := &recovery{log: log, byID: make(map[ID]*Batch), sealed: make(map[ID]bool)}
	damage, err := log.Replay(0, log.End(), r.visit)
	if err != nil {
		return nil, damage, fmt.Errorf("recover the log: %w", err)
	}
	kept := r.batches[:0]
	for _, b := range r.batches {
		if r.byID[b.ID] != nil {
			kept = append(kept, b)
		}
	}
	r.batches = kept
	return r, damage, nil
}

func (r *recovery) visit(record wal.Record) error {
	id, rest, err := parseID(record.Payload)
	if err != nil {
		return err
	}
	r.highest = max(r.highest, id.Number)
	b := r.byID[id]
	switch record.Kind {
	case kindGroup:
		g, _, err := parseGroup(record.Payload)
		if err != nil {
			return err
		}
		if b == nil {
			b = &Batch{ID: id, log: r.log}
			r.byID[id] = b
			r.batches = append(r.batches, b)
		}
		if !r.sealed[id] {
			b.grow(g, record.Position, record.End())
		}
	case kindSeal:
		if _, width := binary.Uvarint(rest); width <= 0 {
			return errRecord
		}
		r.sealed[id] = true
	case kindCommit:
		delete(r.byID, id)
	default:
		return fmt.Errorf("%w: kind %d; a later version may have", errRecord, record.Kind)
	}
	return nil
}
