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
	recent T
	older  []T // in use
	spare  []T // empty
}

// tableRows are the typed columns of a table over their block.
type tableRows interface {
	block() *Block
	clear()
}

func newTable[T tableRows](create func() T) *table[T] {
	return &table[T]{create: create, recent: create()}
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
