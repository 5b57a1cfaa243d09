package encode

// Mark says how many rows a block has gained.
type Mark struct {
	Rank int // of the block in its batch
	Rows int
}

// AppendMarks appends what the blocks have gained since the last call, or since
// Reset: whose rows they are.
func (e *Encoder) AppendMarks(dst []Mark) []Mark {
	for _, b := range e.Blocks() {
		if gained := b.rows - b.markedRows; gained > 0 {
			dst = append(dst, Mark{Rank: b.Rank(), Rows: gained})
			b.markedRows = b.rows
		}
	}
	return dst
}
