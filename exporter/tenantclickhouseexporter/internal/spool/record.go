package spool

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/wal"
)

// The kinds of records.
const (
	kindGroup      wal.Kind = 1
	kindSeal       wal.Kind = 2
	kindSplit      wal.Kind = 3
	kindCommit     wal.Kind = 4
	kindReplayed   wal.Kind = 5
	kindCheckpoint wal.Kind = 6
)

// ID names a batch, for all time.
type ID struct {
	// Writer is random for each opening of a log, so that a copy of the log does not
	// name its batches as the original does.
	Writer [8]byte
	// Number grows from one batch to the next.
	Number uint64
}

// String is how the tokens of a batch begin.
func (id ID) String() string {
	return fmt.Sprintf("%s/%d", hex.EncodeToString(id.Writer[:]), id.Number)
}

// ParseID reads what String wrote.
func ParseID(text string) (id ID, err error) {
	writer, number, found := strings.Cut(text, "/")
	bytes, err := hex.DecodeString(writer)
	if !found || err != nil || len(bytes) != len(id.Writer) {
		return ID{}, fmt.Errorf("%q is not the name of a batch", text)
	}
	copy(id.Writer[:], bytes)
	if id.Number, err = strconv.ParseUint(number, 10, 64); err != nil {
		return ID{}, fmt.Errorf("%q is not the name of a batch", text)
	}
	return id, nil
}

// group is one record of kind group, without its growth.
type group struct {
	batch   ID
	number  uint64 // in the batch, from 0
	first   uint64 // number of its first request in the batch
	at      time.Time
	entries []Entry
}

func (g *group) append(dst []byte) []byte {
	dst = appendID(dst, g.batch)
	dst = binary.AppendUvarint(dst, g.number)
	dst = binary.AppendUvarint(dst, g.first)
	dst = appendTime(dst, g.at)
	dst = binary.AppendUvarint(dst, uint64(len(g.entries)))
	for i := range g.entries {
		dst = g.entries[i].append(dst)
	}
	return dst
}

// parseGroup returns the growth too.
func parseGroup(payload []byte) (g group, growth []byte, err error) {
	r := &reader{rest: payload}
	g.batch = r.id()
	g.number, g.first, g.at = r.uvarint(), r.uvarint(), r.time()
	g.entries = make([]Entry, r.count(leastEntrySize))
	for i := range g.entries {
		g.entries[i] = r.entry()
	}
	if r.failed {
		return group{}, nil, ErrRecord
	}
	return g, r.rest, nil
}

const leastEntrySize = 37

// Dead is how many items of a request are in the dead letters.
type Dead struct {
	Request uint64 // in the batch
	Account Account
	Items   int
}

func appendDead(dst []byte, dead []Dead) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(dead)))
	for _, d := range dead {
		dst = binary.AppendUvarint(dst, d.Request)
		dst = appendAccount(dst, d.Account)
		dst = binary.AppendUvarint(dst, uint64(d.Items))
	}
	return dst
}

func (r *reader) dead() []Dead {
	dead := make([]Dead, r.count(accountSize+2))
	for i := range dead {
		dead[i] = Dead{Request: r.uvarint(), Account: r.account(), Items: r.number()}
	}
	return dead
}

// split is one record of kind split.
type split struct {
	batch ID
	rank  int // of the block
	rows  []int
	dead  []Dead
}

func (s *split) append(dst []byte) []byte {
	dst = appendID(dst, s.batch)
	dst = binary.AppendUvarint(dst, uint64(s.rank))
	dst = binary.AppendUvarint(dst, uint64(len(s.rows)))
	before := 0
	for _, row := range s.rows {
		dst = binary.AppendUvarint(dst, uint64(row-before))
		before = row
	}
	return appendDead(dst, s.dead)
}

func (r *reader) split() split {
	s := split{batch: r.id(), rank: r.number()}
	s.rows = make([]int, r.count(1))
	before := 0
	for i := range s.rows {
		before += r.number()
		s.rows[i] = before
	}
	s.dead = r.dead()
	return s
}

// commit is one record of kind commit.
type commit struct {
	batch  ID
	at     time.Time
	stored map[Account]uint64
	dead   []Dead
}

func (c *commit) append(dst []byte) []byte {
	dst = appendTime(appendID(dst, c.batch), c.at)
	dst = appendDead(dst, c.dead)
	return appendItems(dst, c.stored)
}

func (r *reader) commit() commit {
	return commit{batch: r.id(), at: r.time(), dead: r.dead(), stored: r.items()}
}

func appendItems(dst []byte, items map[Account]uint64) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(items)))
	for account, n := range items {
		dst = binary.AppendUvarint(appendAccount(dst, account), n)
	}
	return dst
}

func (r *reader) items() map[Account]uint64 {
	items := make(map[Account]uint64)
	for range r.count(accountSize + 1) {
		account := r.account()
		items[account] = r.uvarint()
	}
	return items
}
