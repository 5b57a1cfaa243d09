package ledger

import "fmt"

// Verdict compares a stream, or many, with what is stored.
type Verdict struct {
	Acked, Refused, Unknown int // items by outcome
	Stored                  int // rows
	Lost                    int // acknowledged and not stored
	Doubled                 int // rows too many
	Ghosts                  int // stored after a definite refusal, or never sent
	Examples                []string
}

// maxExamples bounds what a verdict names of what is wrong.
const maxExamples = 12

// Judge compares the items of a stream with the numbers that are stored of it.
func Judge(stream string, items []Outcome, stored []uint64) Verdict {
	v := Verdict{Stored: len(stored)}
	times := make([]uint32, len(items))
	for _, n := range stored {
		if n >= uint64(len(items)) {
			v.ghost(stream, n)
			continue
		}
		if times[n]++; times[n] > 1 {
			v.Doubled++
			v.example("doubled", stream, n)
		}
	}
	for i, outcome := range items {
		switch outcome {
		case Acked:
			v.Acked++
			if times[i] == 0 {
				v.Lost++
				v.example("lost", stream, uint64(i))
			}
		case Unknown:
			v.Unknown++
		case Refused, None:
			v.Refused++
			if times[i] > 0 {
				v.ghost(stream, uint64(i))
			}
		}
	}
	return v
}

func (v *Verdict) ghost(stream string, n uint64) {
	v.Ghosts++
	v.example("ghost", stream, n)
}

func (v *Verdict) example(what, stream string, n uint64) {
	if len(v.Examples) < maxExamples {
		v.Examples = append(v.Examples, fmt.Sprintf("%s %s/%d", what, stream, n))
	}
}

// Add adds the verdict on another stream.
func (v *Verdict) Add(other Verdict) {
	v.Acked += other.Acked
	v.Refused += other.Refused
	v.Unknown += other.Unknown
	v.Stored += other.Stored
	v.Lost += other.Lost
	v.Doubled += other.Doubled
	v.Ghosts += other.Ghosts
	v.Examples = append(v.Examples, other.Examples...)
	v.Examples = v.Examples[:min(len(v.Examples), maxExamples)]
}

// Good says that nothing is lost, doubled or a ghost.
func (v Verdict) Good() bool { return v.Lost == 0 && v.Doubled == 0 && v.Ghosts == 0 }

func (v Verdict) String() string {
	return fmt.Sprintf("acked %d, refused %d, unknown %d, stored %d, lost %d, doubled %d, ghosts %d %v",
		v.Acked, v.Refused, v.Unknown, v.Stored, v.Lost, v.Doubled, v.Ghosts, v.Examples)
}
