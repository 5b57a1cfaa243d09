package encode

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// AppendGrowth appends what the blocks have gained since the last call, or since
// Reset. All growths of a batch make its blocks again: see [Rebuilt]. It is
//
//	number of blocks that have grown
//	per block: rank, number of columns (0 when an earlier growth named them), their
//	           table, names and types; number of new rows; growth of each column
//
// with numbers as uvarints and strings after their length.
func (e *Encoder) AppendGrowth(dst []byte) []byte {
	grown := slices.DeleteFunc(e.Blocks(), func(b *Block) bool { return b.rows == b.loggedRows })
	dst = binary.AppendUvarint(dst, uint64(len(grown)))
	for _, b := range grown {
		dst = b.appendGrowth(dst)
	}
	return dst
}

func (b *Block) appendGrowth(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(b.rank))
	if b.inLog {
		dst = append(dst, 0)
	} else {
		dst = binary.AppendUvarint(dst, uint64(len(b.columns)))
		dst = appendString(dst, b.table)
		for i, name := range b.names {
			dst = appendString(dst, name)
			dst = appendString(dst, b.types[i])
		}
		b.inLog = true
	}
	dst = binary.AppendUvarint(dst, uint64(b.rows-b.loggedRows))
	b.loggedRows = b.rows
	for _, c := range b.columns {
		dst = c.appendGrowth(dst)
	}
	return dst
}

// Rebuilt makes blocks of their growths. The growths name their columns, so that
// those of another version of this program become the blocks that it had.
type Rebuilt struct{ blocks []*Block }

// ErrGrowth means that bytes are not what AppendGrowth appends.
var ErrGrowth = errors.New("not the growth of a block")

// Absorb adds the next growth of the batch.
func (r *Rebuilt) Absorb(growth []byte) error {
	src := &source{rest: growth}
	for range src.count(1) {
		b, err := r.block(src)
		if err != nil {
			return err
		}
		b.rows += int(src.uvarint())
		for _, c := range b.columns {
			c.absorb(src)
		}
	}
	if src.failed || len(src.rest) > 0 {
		return ErrGrowth
	}
	return nil
}

// block finds the block that has grown, or makes it.
func (r *Rebuilt) block(src *source) (*Block, error) {
	rank, columns := uint32(src.uvarint()), src.count(2)
	if columns == 0 {
		for _, b := range r.blocks {
			if b.rank == rank {
				return b, nil
			}
		}
		return nil, ErrGrowth
	}
	b := &Block{table: string(src.bytes()), rank: rank}
	for range columns {
		name, dataType := string(src.bytes()), string(src.bytes())
		c, err := columnOf(dataType)
		if err != nil {
			return nil, err
		}
		add(b, name, dataType, c)
	}
	r.blocks = append(r.blocks, b)
	return b, nil
}

// Blocks returns the blocks in the order in which they are to be inserted.
func (r *Rebuilt) Blocks() []*Block {
	slices.SortFunc(r.blocks, func(a, b *Block) int { return cmp.Compare(a.rank, b.rank) })
	return r.blocks
}

// columnOf makes a column that can absorb the growths of a column of the type.
func columnOf(dataType string) (column, error) {
	switch dataType {
	case typeString:
		return &stringColumn{}, nil
	case typeLow:
		return newLowCardinality(), nil
	case typeMap:
		return newMap(), nil
	case typeCompactMap:
		return newCompactMap(), nil
	}
	if inner, isArray := strings.CutPrefix(dataType, "Array("); isArray {
		c, err := columnOf(strings.TrimSuffix(inner, ")"))
		return newArray(c), err
	}
	name, _, _ := strings.Cut(dataType, "(")
	if !slices.Contains(fixedTypes, name) {
		return nil, fmt.Errorf("%w: no column of type %q is known", ErrGrowth, dataType)
	}
	return &fixedColumn{}, nil
}

// fixedTypes have values of one width.
var fixedTypes = []string{
	"UUID", "DateTime64", "Date", "FixedString", "Bool", "Enum8",
	"UInt8", "UInt16", "UInt32", "UInt64", "Int8", "Int16", "Int32", "Int64", "Float32", "Float64",
}
