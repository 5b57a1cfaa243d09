package ledger

import "strings"

// Book is a ledger by item: the final outcome of each number of each stream.
type Book struct {
	Streams map[string][]Outcome
	Entries []Entry
}

// Open reads a ledger into a book.
func Open(path string) (*Book, error) {
	b := &Book{Streams: map[string][]Outcome{}}
	err := Read(path, b.add)
	return b, err
}

// add notes an attempt. Of several attempts the one counts that says most: what was
// acknowledged once is acknowledged, and what may have got through once may be stored.
func (b *Book) add(e Entry) {
	items := b.Streams[e.Stream]
	for uint64(len(items)) < e.First+e.Count {
		items = append(items, None)
	}
	for i := e.First; i < e.First+e.Count; i++ {
		items[i] = max(items[i], e.Outcome)
	}
	b.Streams[e.Stream] = items
	b.Entries = append(b.Entries, e)
}

// Count is the number of items with an outcome.
func (b *Book) Count(o Outcome) (n int) {
	for _, items := range b.Streams {
		for _, one := range items {
			if one == o {
				n++
			}
		}
	}
	return n
}

// Reasons counts the attempts that were not acknowledged by outcome and reason, such as
// "R 503".
func (b *Book) Reasons() map[string]int {
	reasons := map[string]int{}
	for _, e := range b.Entries {
		if e.Outcome != Acked {
			reasons[strings.TrimSpace(e.Outcome.String()+" "+e.Reason)]++
		}
	}
	return reasons
}
