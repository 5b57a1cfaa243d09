package spool

import (
	"fmt"
	"time"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/encode"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/internal/wal"
)

// Batch is what is inserted together. Its content never changes once a sender has it.
type Batch struct {
	ID ID
	// Recovered is a batch of an earlier run. That, or the original of which this log is
	// a copy, may have sent it.
	Recovered bool
	// Unsealed is a recovered batch that the earlier run had not sealed, and so not sent.
	Unsealed bool

	from, to wal.Position // where its groups are in the log
	groups   uint64
	requests uint64
	oldest   time.Time // when its first group was written
	items    map[Account]uint64
	bytes    map[tenant.ID]int64 // of the log, about
	splits   map[int]split       // by rank: the rows that ClickHouse will never take
	parts    uint64              // one more than ClickHouse had made when the batch was sealed
	encoder  *encode.Encoder     // that made it; nil: it is read from the log
	log      *wal.Log
}

func newBatch(id ID, log *wal.Log) *Batch {
	return &Batch{
		ID: id, log: log,
		items: make(map[Account]uint64), bytes: make(map[tenant.ID]int64), splits: make(map[int]split),
	}
}

// Parts is how many parts ClickHouse had made at the latest when the batch was sealed.
func (b *Batch) Parts() (parts uint64, known bool) { return b.parts - 1, b.parts > 0 }

// SetParts is for a batch that was sealed before they could be counted, and that was
// not sent yet. A crash forgets it.
func (b *Batch) SetParts(parts uint64) { b.parts = parts + 1 }

// Oldest is when the batch was begun.
func (b *Batch) Oldest() time.Time { return b.oldest }

// Items is the number of the batch's items.
func (b *Batch) Items() (items int) {
	for _, n := range b.items {
		items += int(n)
	}
	return items
}

// Blocks returns the blocks to insert, from memory or from the log. Lost is how many
// items the log no longer has, because bytes of it have changed.
func (b *Batch) Blocks() (blocks []*encode.Block, lost int, err error) {
	if b.encoder != nil {
		return b.encoder.Blocks(), 0, nil
	}
	rebuilt, found := &encode.Rebuilt{}, 0
	err = b.visit(func(g group, growth []byte) error {
		for i := range g.entries {
			found += g.entries[i].Items()
		}
		return rebuilt.Absorb(growth)
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read batch %s: %w", b.ID, err)
	}
	return rebuilt.Blocks(), b.Items() - found, nil
}

// visit reads the groups of the batch in their order. What follows a lost group
// refers to it, and is lost too.
func (b *Batch) visit(each func(g group, growth []byte) error) error {
	var next uint64
	_, err := b.log.Replay(b.from, b.to, func(r wal.Record) error {
		if r.Kind != kindGroup {
			return nil
		}
		g, growth, err := parseGroup(r.Payload)
		if err != nil {
			return err
		}
		if g.batch != b.ID || g.number != next {
			return nil
		}
		next++
		return each(g, growth)
	})
	return err
}

// grow adds a group that is durable.
func (b *Batch) grow(g *group, from, to wal.Position) {
	if b.groups == 0 {
		b.from, b.oldest = from, g.at
	}
	b.to = to
	b.groups++
	b.requests += uint64(len(g.entries))
	total := 0
	for i := range g.entries {
		e := &g.entries[i]
		for _, share := range e.Shares {
			b.items[Account{e.Key, share.Owner}] += uint64(share.Items)
		}
		total += e.Items()
	}
	for i := range g.entries {
		for _, share := range g.entries[i].Shares {
			b.bytes[share.Owner.Tenant] += int64(to-from) * int64(share.Items) / int64(max(total, 1))
		}
	}
}

// Split returns the rows of a block that ClickHouse will never take, if that was
// found out before.
func (b *Batch) Split(block *encode.Block) (rows []int, found bool) {
	s, found := b.splits[block.Rank()]
	return s.rows, found
}

// DeadIn says whose items are among the rows of a block that are split off.
func (b *Batch) DeadIn(block *encode.Block) []Dead { return b.splits[block.Rank()].dead }

// dead says whose items are dead.
func (b *Batch) dead() (dead []Dead) {
	for _, s := range b.splits {
		dead = append(dead, s.dead...)
	}
	return dead
}

// DeadItems is the number of the batch's items that are dead.
func (b *Batch) DeadItems() (items int) {
	for _, d := range b.dead() {
		items += d.Items
	}
	return items
}

// attribute says whose rows of a block are dead, by request and account.
func (b *Batch) attribute(block *encode.Block, rows []int) ([]Dead, error) {
	if !block.HoldsItems() {
		return nil, nil
	}
	owners := block.Owners()
	var dead []Dead
	next, end := 0, 0 // of rows; of the rows of the requests so far
	err := b.visit(func(g group, _ []byte) error {
		for i := range g.entries {
			for _, mark := range g.entries[i].marks {
				if mark.Rank != block.Rank() {
					continue
				}
				end += mark.Rows
				for ; next < len(rows) && rows[next] < end; next++ {
					dead = addDead(dead, g.first+uint64(i), Account{g.entries[i].Key, owners.Of(rows[next])})
				}
			}
		}
		return nil
	})
	return dead, err
}

// addDead counts one more item; those of a request and an account come in runs.
func addDead(dead []Dead, request uint64, account Account) []Dead {
	if n := len(dead); n > 0 && dead[n-1].Request == request && dead[n-1].Account == account {
		dead[n-1].Items++
		return dead
	}
	return append(dead, Dead{Request: request, Account: account, Items: 1})
}

// outcome counts what becomes of the batch's items once the rest of it is stored.
func (b *Batch) outcome(at time.Time) commit {
	c := commit{batch: b.ID, at: at, dead: b.dead(), stored: make(map[Account]uint64, len(b.items))}
	for account, n := range b.items {
		c.stored[account] = n
	}
	for _, d := range c.dead {
		c.stored[d.Account] -= min(uint64(d.Items), c.stored[d.Account])
	}
	return c
}
