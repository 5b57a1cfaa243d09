package encode

import (
	"bufio"
	"bytes"
	"io"
)

// Block is one INSERT: some columns of one table, and its rows.
type Block struct {
	table      string
	names      []string
	types      []string
	columns    []column
	rows       int
	partitions map[partition]struct{}

	// rank orders the blocks of a batch, and tells them apart.
	rank       uint32
	inLog      bool
	loggedRows int
	markedRows int
}

// partition is what PARTITION BY of every table makes of a row.
type partition struct {
	day     uint16
	expires uint16
}

// Table is the name of the table, without its database.
func (b *Block) Table() string { return b.table }

// Columns are the names of the columns in the order of the block. They are what
// an INSERT must name, so that a table with more columns accepts the block.
func (b *Block) Columns() []string { return b.names }

// Types are the types of the columns, as ClickHouse writes them.
func (b *Block) Types() []string { return b.types }

// Rank tells the blocks of a batch apart, and orders them.
func (b *Block) Rank() int { return int(b.rank) }

// HoldsItems says whether each row is a span, a log record or a data point. The
// other tables hold what belongs to data points.
func (b *Block) HoldsItems() bool { return b.rank>>laneBits >= rankOfSamples }

// Rows is the number of rows.
func (b *Block) Rows() int { return b.rows }

// Partitions is the number of parts that the table makes of the block.
func (b *Block) Partitions() int { return len(b.partitions) }

// WriteTo writes the block in the Native format, in the form of protocol revision 0,
// which is what `FORMAT Native` in a request body means by default. The bytes are made
// as they are written: a block in memory takes half of them.
func (b *Block) WriteTo(w io.Writer) (written int64, err error) {
	counter := &counter{to: w}
	out := native{bufio.NewWriterSize(counter, nativeBuffer)}
	out.uvarint(uint64(len(b.columns)))
	out.uvarint(uint64(b.rows))
	for i, c := range b.columns {
		out.text(b.names[i])
		out.text(b.types[i])
		c.writePrefix(out)
		c.writeRows(out)
	}
	err = out.Flush()
	return counter.written, err
}

// AppendNative appends what WriteTo writes.
func (b *Block) AppendNative(dst []byte) []byte {
	out := bytes.NewBuffer(dst)
	_, _ = b.WriteTo(out) // a buffer takes all
	return out.Bytes()
}

// Size is about the number of bytes that the block takes in memory and in the log.
func (b *Block) Size() int {
	size := 0
	for _, c := range b.columns {
		size += c.size()
	}
	return size
}

func newBlock(table string) *Block {
	return &Block{table: table, partitions: make(map[partition]struct{})}
}

// row counts a row and the partition that it falls into.
func (b *Block) row(at partition) {
	b.rows++
	b.partitions[at] = struct{}{}
}

func (b *Block) reset() {
	b.rows = 0
	b.inLog, b.loggedRows, b.markedRows = false, 0, 0
	clear(b.partitions)
	for _, c := range b.columns {
		c.reset()
	}
}

// add registers a column under its name and type.
func add[C column](b *Block, name, dataType string, c C) C {
	b.names = append(b.names, name)
	b.types = append(b.types, dataType)
	b.columns = append(b.columns, c)
	return c
}

// The types of columns, as ClickHouse writes them.
const (
	typeUUID       = "UUID"
	typeTimestamp  = "DateTime64(9, 'UTC')"
	typeDate       = "Date"
	typeString     = "String"
	typeLow        = "LowCardinality(String)"
	typeMap        = "Map(LowCardinality(String), String)"
	typeCompactMap = "Map(LowCardinality(String), LowCardinality(String))"
	typeValueKind  = "Enum8('none' = 0, 'double' = 1, 'int' = 2)"
)

func (b *Block) fixed(name, dataType string) *fixedColumn {
	return add(b, name, dataType, &fixedColumn{})
}
func (b *Block) text(name string) *stringColumn { return add(b, name, typeString, &stringColumn{}) }
func (b *Block) low(name string) *lowCardinality {
	return add(b, name, typeLow, newLowCardinality())
}

func (b *Block) compactMap(name string) *mapColumn[*lowCardinality] {
	return add(b, name, typeCompactMap, newCompactMap())
}

func (b *Block) array(name, element string) *arrayColumn[*fixedColumn] {
	return add(b, name, "Array("+element+")", newArray(&fixedColumn{}))
}

func (b *Block) attributes(values, types string) attributeColumns {
	columns := newAttributes()
	add(b, values, typeMap, columns.values)
	add(b, types, typeCompactMap, columns.types)
	return columns
}
