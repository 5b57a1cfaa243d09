package spool

import (
	"encoding/binary"
	"time"
)

// maxAnswered bounds how many requests are remembered so that their repetition is
// recognised, in memory (about 18 MB) and in every checkpoint (about 4 MB). Beyond it
// the oldest are forgotten.
const maxAnswered = 100_000

// Answered is a request that may be repeated, and what it was answered.
type Answered struct {
	Identity Identity
	Place    Place
	At       time.Time
	Items    int
	Rejected int
	Message  string
}

// answers are the requests that may be repeated.
type answers struct {
	list []*Answered // oldest first
	by   map[Identity]*Answered
}

func newAnswers() answers { return answers{by: make(map[Identity]*Answered)} }

func (a *answers) add(one Answered) {
	if len(a.list) >= maxAnswered {
		a.forget(1)
	}
	a.list = append(a.list, &one)
	a.by[one.Identity] = &one
}

// find returns the answer that a repetition is given, or nil.
func (a *answers) find(identity Identity, now time.Time, window time.Duration) *Answered {
	one := a.by[identity]
	if one == nil || now.Sub(one.At) >= window {
		return nil
	}
	return one
}

func (a *answers) expire(now time.Time, window time.Duration) {
	n := 0
	for n < len(a.list) && now.Sub(a.list[n].At) >= window {
		n++
	}
	a.forget(n)
}

// forget forgets the n oldest.
func (a *answers) forget(n int) {
	for i, one := range a.list[:n] {
		if a.by[one.Identity] == one {
			delete(a.by, one.Identity)
		}
		a.list[i] = nil
	}
	a.list = a.list[n:]
}

func (a *answers) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(a.list)))
	for _, one := range a.list {
		dst = append(dst, one.Identity[:]...)
		dst = binary.AppendUvarint(appendID(dst, one.Place.Batch), one.Place.Request)
		dst = binary.AppendUvarint(appendTime(dst, one.At), uint64(one.Items))
		dst = appendText(binary.AppendUvarint(dst, uint64(one.Rejected)), one.Message)
	}
	return dst
}

func (r *reader) answers() answers {
	a := newAnswers()
	for range r.count(30) {
		var one Answered
		copy(one.Identity[:], r.take(len(one.Identity)))
		one.Place = Place{Batch: r.id(), Request: r.uvarint()}
		one.At, one.Items, one.Rejected, one.Message = r.time(), r.number(), r.number(), r.text()
		a.add(one)
	}
	return a
}
