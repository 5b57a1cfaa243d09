package spool

import (
	"encoding/binary"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/encode"
)

// Entry is what the log says of a request besides its rows.
type Entry struct {
	Key      KeyID
	Shares   []Share
	Filtered int
	// Identity tells repetitions of the request; zero: they are not recognised.
	// Rejected and Message are what its answer says in partial_success.
	Identity Identity
	Rejected int
	Message  string

	marks []encode.Mark
}

// Identity is a hash of who sent which bytes.
type Identity [16]byte

// Items is the number of the request's items in the log.
func (e *Entry) Items() (items int) {
	for _, share := range e.Shares {
		items += share.Items
	}
	return items
}

func (e *Entry) append(dst []byte) []byte {
	dst = append(dst, e.Key[:]...)
	dst = append(dst, e.Identity[:]...)
	dst = binary.AppendUvarint(dst, uint64(e.Filtered))
	dst = binary.AppendUvarint(dst, uint64(e.Rejected))
	dst = appendText(dst, e.Message)
	dst = binary.AppendUvarint(dst, uint64(len(e.Shares)))
	for _, share := range e.Shares {
		dst = append(dst, share.Owner.Workspace[:]...)
		dst = append(dst, share.Owner.Tenant[:]...)
		dst = binary.AppendUvarint(dst, uint64(share.Items))
	}
	dst = binary.AppendUvarint(dst, uint64(len(e.marks)))
	for _, mark := range e.marks {
		dst = binary.AppendUvarint(dst, uint64(mark.Rank))
		dst = binary.AppendUvarint(dst, uint64(mark.Rows))
	}
	return dst
}

func (r *reader) entry() (e Entry) {
	copy(e.Key[:], r.take(len(e.Key)))
	copy(e.Identity[:], r.take(len(e.Identity)))
	e.Filtered, e.Rejected = r.number(), r.number()
	e.Message = r.text()
	e.Shares = make([]Share, r.count(33))
	for i := range e.Shares {
		share := &e.Shares[i]
		copy(share.Owner.Workspace[:], r.take(len(share.Owner.Workspace)))
		copy(share.Owner.Tenant[:], r.take(len(share.Owner.Tenant)))
		share.Items = r.number()
	}
	e.marks = make([]encode.Mark, r.count(2))
	for i := range e.marks {
		e.marks[i] = encode.Mark{Rank: r.number(), Rows: r.number()}
	}
	return e
}
