package encode

import (
	"encoding/binary"
	"slices"
)

// Range is rows from one up to, and without, another.
type Range struct{ From, To int }

// Select makes a block of the rows in some ranges, which must be in order and must
// not overlap. It shares nothing with the block.
func (b *Block) Select(ranges ...Range) *Block {
	selected := &Block{table: b.table, names: b.names, types: b.types, rank: b.rank}
	selected.rows = Rows(ranges)
	for _, c := range b.columns {
		selected.columns = append(selected.columns, c.selectRows(b.rows, ranges))
	}
	return selected
}

// Without returns the ranges between some rows, which must be in order.
func Without(rows int, excluded []int) []Range {
	var ranges []Range
	from := 0
	for _, row := range excluded {
		if row > from {
			ranges = append(ranges, Range{from, row})
		}
		from = row + 1
	}
	if from < rows {
		ranges = append(ranges, Range{from, rows})
	}
	return ranges
}

// Single returns a range for each row.
func Single(rows []int) []Range {
	ranges := make([]Range, len(rows))
	for i, row := range rows {
		ranges[i] = Range{row, row + 1}
	}
	return ranges
}

// Rows is the number of rows in some ranges.
func Rows(ranges []Range) (rows int) {
	for _, r := range ranges {
		rows += r.To - r.From
	}
	return rows
}

// Sorted puts ranges in order.
func Sorted(ranges []Range) []Range {
	slices.SortFunc(ranges, func(a, b Range) int { return a.From - b.From })
	return ranges
}

// PartitionRanges divides the rows by the partitions that the table makes of them.
// Each of those is a part, which ClickHouse stores whole or not at all.
func (b *Block) PartitionRanges() [][]Range {
	expires, day := b.Dates("expires_at"), b.days()
	numbers := make(map[partition]int)
	var parts [][]Range
	for row := range b.rows {
		at := partition{day: day(row), expires: expires(row)}
		n, known := numbers[at]
		if !known {
			n = len(parts)
			numbers[at] = n
			parts = append(parts, nil)
		}
		if last := len(parts[n]) - 1; last >= 0 && parts[n][last].To == row {
			parts[n][last].To++
		} else {
			parts[n] = append(parts[n], Range{row, row + 1})
		}
	}
	return parts
}

// ByPartition divides the block as PartitionRanges does.
func (b *Block) ByPartition() []*Block {
	ranges := b.PartitionRanges()
	parts := make([]*Block, len(ranges))
	for i, r := range ranges {
		parts[i] = b.Select(r...)
	}
	return parts
}

// days reads the day by which the table is partitioned.
func (b *Block) days() func(row int) uint16 {
	if days := b.Dates("day"); days != nil {
		return days
	}
	times := b.Numbers("timestamp")
	if sample := b.Numbers("sample_timestamp"); sample != nil { // an exemplar has both
		times = sample
	}
	return func(row int) uint16 { return day(times(row)) }
}

func (c *fixedColumn) selectRows(rows int, ranges []Range) column {
	selected := &fixedColumn{}
	if rows == 0 {
		return selected
	}
	width := len(c.data) / rows
	for _, r := range ranges {
		selected.data = append(selected.data, c.data[r.From*width:r.To*width]...)
	}
	return selected
}

func (c *stringColumn) selectRows(_ int, ranges []Range) column {
	selected := &stringColumn{}
	row, offset := 0, 0
	skip := func(to int) {
		for ; row < to; row++ {
			length, width := binary.Uvarint(c.data[offset:])
			offset += width + int(length)
		}
	}
	for _, r := range ranges {
		skip(r.From)
		from := offset
		skip(r.To)
		selected.data = append(selected.data, c.data[from:offset]...)
	}
	return selected
}

// selectRows keeps the whole dictionary, which ClickHouse allows.
func (c *lowCardinality) selectRows(_ int, ranges []Range) column {
	selected := &lowCardinality{entries: c.entries}
	selected.values.data = append(selected.values.data, c.values.data...)
	selected.rows = c.rows.selectRows(ranges)
	return selected
}

// selectLists selects lists, and says which elements they have.
func (e *ends) selectLists(ranges []Range) (selected ends, elements []Range) {
	rest := e.lengths
	row, end := 0, 0 // the next list, and where its elements begin
	next := func() int {
		n, width := binary.Uvarint(rest)
		rest = rest[width:]
		row, end = row+1, end+int(n)
		return int(n)
	}
	for _, r := range ranges {
		for row < r.From {
			next()
		}
		from := end
		for row < r.To {
			selected.add(next())
		}
		elements = append(elements, Range{from, end})
	}
	return selected, elements
}

func (c *arrayColumn[C]) selectRows(_ int, ranges []Range) column {
	lists, elements := c.ends.selectLists(ranges)
	return &arrayColumn[column]{ends: lists, inner: c.inner.selectRows(int(c.ends.total), elements)}
}

func (c *mapColumn[V]) selectRows(_ int, ranges []Range) column {
	lists, elements := c.ends.selectLists(ranges)
	total := int(c.ends.total)
	return &mapColumn[V]{
		ends:   lists,
		keys:   c.keys.selectRows(total, elements).(*lowCardinality),
		values: c.values.selectRows(total, elements).(V),
	}
}
