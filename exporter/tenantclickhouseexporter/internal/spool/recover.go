package spool

import (
	"fmt"

	"github.com/telemetryflow/telemetryflow/internal/wal"
)

// recovery is what a log says of earlier runs.
type recovery struct {
	log      *wal.Log
	state    *state
	hasPoint bool     // the log has a checkpoint
	batches  []*Batch // without a commit, in their order
	byID     map[ID]*Batch
	sealed   map[ID]uint64 // the parts in the seal
	highest  uint64        // number of a batch
}

// read reads the log. Damage costs the groups in it; what was readable of their
// batch is sent.
func read(log *wal.Log) (*recovery, []wal.Damage, error) {
	r := &recovery{log: log, state: newState(), byID: make(map[ID]*Batch), sealed: make(map[ID]uint64)}
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
	payload := &reader{rest: record.Payload}
	switch record.Kind {
	case kindGroup:
		g, _, err := parseGroup(record.Payload)
		if err != nil {
			return err
		}
		r.group(&g, record)
		return nil
	case kindSeal:
		id := payload.id()
		payload.uvarint() // number of groups
		r.sealed[id] = payload.uvarint()
	case kindSplit:
		s := payload.split()
		if b := r.byID[s.batch]; b != nil {
			b.splits[s.rank] = s
		}
	case kindCommit:
		c := payload.commit()
		r.highest = max(r.highest, c.batch.Number)
		r.state.commit(c)
		delete(r.byID, c.batch)
	case kindReplayed:
		r.state.replayed(payload.id(), payload.dead())
	case kindCheckpoint:
		r.state = payload.state()
		r.hasPoint = true
	default:
		return fmt.Errorf("%w: kind %d", ErrRecord, record.Kind)
	}
	return payload.end()
}

func (r *recovery) group(g *group, record wal.Record) {
	r.highest = max(r.highest, g.batch.Number)
	b := r.byID[g.batch]
	if b == nil {
		b = newBatch(g.batch, r.log)
		r.byID[g.batch] = b
		r.batches = append(r.batches, b)
	}
	if _, sealed := r.sealed[g.batch]; !sealed {
		b.grow(g, record.Position, record.End())
		r.state.accept(g)
	}
}
