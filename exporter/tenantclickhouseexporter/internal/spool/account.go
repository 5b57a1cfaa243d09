package spool

import (
	"encoding/binary"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// KeyID is the binary form of an API key's id. It is zero for a call that another
// authenticator let in.
type KeyID [16]byte

// Account is whose items are counted: those that a key sent for a tenant.
type Account struct {
	Key   KeyID
	Owner tenant.Scope
}

// Share is the part of a request that belongs to one tenant.
type Share struct {
	Owner tenant.Scope
	Items int
}

// Counts is what became of an account's items, each counted where it happened.
type Counts struct {
	Accepted uint64 // when they were durable in the log
	Stored   uint64 // when ClickHouse confirmed them
	Dead     uint64 // when they went to the dead letters
	Filtered uint64 // removed on the operator's wish; they count as accepted
}

// Ledger holds the counts of all accounts, since the log began.
type Ledger map[Account]*Counts

func (l Ledger) of(account Account) *Counts {
	counts := l[account]
	if counts == nil {
		counts = &Counts{}
		l[account] = counts
	}
	return counts
}

func (l Ledger) accept(e *Entry) {
	for i, share := range e.Shares {
		counts := l.of(Account{e.Key, share.Owner})
		counts.Accepted += uint64(share.Items)
		if i == 0 {
			counts.Accepted += uint64(e.Filtered)
			counts.Filtered += uint64(e.Filtered)
		}
	}
}

func appendAccount(dst []byte, a Account) []byte {
	dst = append(dst, a.Key[:]...)
	dst = append(dst, a.Owner.Workspace[:]...)
	return append(dst, a.Owner.Tenant[:]...)
}

func (r *reader) account() (a Account) {
	copy(a.Key[:], r.take(len(a.Key)))
	copy(a.Owner.Workspace[:], r.take(len(a.Owner.Workspace)))
	copy(a.Owner.Tenant[:], r.take(len(a.Owner.Tenant)))
	return a
}

func (l Ledger) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(l)))
	for account, c := range l {
		dst = appendAccount(dst, account)
		for _, n := range [...]uint64{c.Accepted, c.Stored, c.Dead, c.Filtered} {
			dst = binary.AppendUvarint(dst, n)
		}
	}
	return dst
}

func (r *reader) ledger() Ledger {
	l := make(Ledger)
	for range r.count(accountSize + 4) {
		counts := l.of(r.account())
		counts.Accepted, counts.Stored, counts.Dead, counts.Filtered = r.uvarint(), r.uvarint(), r.uvarint(), r.uvarint()
	}
	return l
}

const accountSize = 48
