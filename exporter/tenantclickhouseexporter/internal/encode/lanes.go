package encode

const (
	// maxPartitions keeps one INSERT one block: ClickHouse refuses an insert of
	// more than 100 partitions whole, and each costs a part.
	maxPartitions = 50
	// recentDays is how far from today the rows of the main block may lie. Others go
	// into blocks of their own, so that a client that sends old data slows only itself.
	recentDays = 2
)

// table makes the blocks of one table: one for recent rows, and as many as their
// partitions need for the others.
type table[T tableRows] struct {
	create func() T
	rank   uint32 // of the table among the tables
	recent T
	older  []T // in use
	spare  []T // empty
}

// tableRows are the typed columns of a table over their block.
type tableRows interface {
	block() *Block
	clear()
}

// laneBits is how many bits of a rank number the blocks of a table.
const laneBits = 16

func newTable[T tableRows](rank uint32, create func() T) *table[T] {
	t := &table[T]{create: create, rank: rank, recent: create()}
	t.recent.block().rank = rank << laneBits
	return t
}

// rows returns the block that a row of the partition belongs to.
func (t *table[T]) rows(at partition, today uint16) T {
	if age := int(today) - int(at.day); -recentDays <= age && age <= recentDays {
		return t.recent
	}
	for _, rows := range t.older {
		partitions := rows.block().partitions
		if _, present := partitions[at]; present || len(partitions) < maxPartitions {
			return rows
		}
	}
	var rows T
	if n := len(t.spare); n > 0 {
		rows, t.spare = t.spare[n-1], t.spare[:n-1]
	} else {
		rows = t.create()
	}
	t.older = append(t.older, rows)
	rows.block().rank = t.rank<<laneBits | uint32(len(t.older))
	return rows
}

// appendBlocks appends the blocks that have rows.
func (t *table[T]) appendBlocks(blocks []*Block) []*Block {
	if t.recent.block().rows > 0 {
		blocks = append(blocks, t.recent.block())
	}
	for _, rows := range t.older {
		blocks = append(blocks, rows.block())
	}
	return blocks
}

func (t *table[T]) reset() {
	t.recent.clear()
	for _, rows := range t.older {
		rows.clear()
	}
	t.spare = append(t.spare, t.older...)
	t.older = t.older[:0]
}
