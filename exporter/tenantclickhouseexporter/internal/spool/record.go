package spool

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/telemetryflow/telemetryflow/internal/wal"
)

// The kinds of records.
const (
	kindGroup  wal.Kind = 1
	kindSeal   wal.Kind = 2
	kindCommit wal.Kind = 3
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

// Items counts spans, data points and log records.
type Items struct{ Traces, Metrics, Logs int }

// Total is the number of all items.
func (i Items) Total() int { return i.Traces + i.Metrics + i.Logs }

func (i *Items) add(other Items) {
	i.Traces += other.Traces
	i.Metrics += other.Metrics
	i.Logs += other.Logs
}

// group is one record of kind group, without its growth.
type group struct {
	batch  ID
	number uint64 // in the batch, from 0
	items  Items
}

func (g group) append(dst []byte) []byte {
	dst = appendID(dst, g.batch)
	for _, n := range [...]uint64{g.number, uint64(g.items.Traces), uint64(g.items.Metrics), uint64(g.items.Logs)} {
		dst = binary.AppendUvarint(dst, n)
	}
	return dst
}

func appendID(dst []byte, id ID) []byte {
	return binary.AppendUvarint(append(dst, id.Writer[:]...), id.Number)
}

var errRecord = errors.New("the log holds a record that this program did not write")

func parseID(payload []byte) (id ID, rest []byte, err error) {
	n := copy(id.Writer[:], payload)
	number, width := binary.Uvarint(payload[n:])
	if n < len(id.Writer) || width <= 0 {
		return ID{}, nil, errRecord
	}
	id.Number = number
	return id, payload[n+width:], nil
}

// parseGroup returns the growth too.
func parseGroup(payload []byte) (g group, growth []byte, err error) {
	id, rest, err := parseID(payload)
	if err != nil {
		return group{}, nil, err
	}
	var numbers [4]uint64
	for i := range numbers {
		n, width := binary.Uvarint(rest)
		if width <= 0 || i > 0 && n > maxItems {
			return group{}, nil, errRecord
		}
		numbers[i], rest = n, rest[width:]
	}
	items := Items{Traces: int(numbers[1]), Metrics: int(numbers[2]), Logs: int(numbers[3])}
	return group{batch: id, number: numbers[0], items: items}, rest, nil
}

const maxItems = 1 << 40
