package clickhouse

import (
	"cmp"
	"math"
	"slices"
)

// distribution is the observations of some histograms: how many lie in which cells.
type distribution struct {
	explicit  map[cell]int64
	scale     int32 // of the exponential ones: the coarsest
	threshold float64
	zeros     int64
	sides     [2]map[int64]int64 // counts by index at the scale: positive, negative
}

// cell is a range of values, in which observations are spread evenly, or evenly on a
// logarithmic scale.
type cell struct {
	from, to    float64
	logarithmic bool
}

// counted is a cell with its observations.
type counted struct {
	cell
	count float64
}

func newDistribution() *distribution {
	return &distribution{explicit: make(map[cell]int64), scale: math.MaxInt32, sides: [2]map[int64]int64{{}, {}}}
}

// addExplicit adds counts of buckets with upper bounds, the last without one. As in
// Prometheus, the first begins at 0 when its bound is positive, and the last is all at the
// greatest bound.
func (d *distribution) addExplicit(bounds []float64, counts []int64) {
	if len(bounds) == 0 {
		return // one bucket of everything says nothing
	}
	from := min(0, bounds[0])
	for i, to := range append(slices.Clone(bounds), bounds[len(bounds)-1]) {
		if i < len(counts) {
			d.explicit[cell{from: from, to: to}] += counts[i]
		}
		from = to
	}
}

// addExponential adds counts by index. The coarsest scale wins: its buckets are whole
// numbers of the others' (OpenTelemetry data model, exponential scale).
func (d *distribution) addExponential(scale int32, threshold float64, zeros int64, positive, positiveCounts, negative, negativeCounts []int64) {
	d.zeros, d.threshold = d.zeros+zeros, max(d.threshold, threshold)
	if len(positive)+len(negative) == 0 {
		return
	}
	if d.scale == math.MaxInt32 {
		d.scale = scale
	}
	if scale < d.scale {
		for side, counts := range d.sides {
			d.sides[side] = coarser(counts, d.scale-scale)
		}
		d.scale = scale
	}
	by := scale - d.scale
	for i, index := range positive {
		d.sides[0][shifted(index, by)] += positiveCounts[i]
	}
	for i, index := range negative {
		d.sides[1][shifted(index, by)] += negativeCounts[i]
	}
}

func coarser(counts map[int64]int64, by int32) map[int64]int64 {
	made := make(map[int64]int64, len(counts))
	for index, count := range counts {
		made[shifted(index, by)] += count
	}
	return made
}

// shifted is the index at a coarser scale. By 63 all indices are 0 or -1.
func shifted(index int64, by int32) int64 { return index >> min(uint32(by), 63) }

// cells are those with observations, by their lower bounds.
func (d *distribution) cells() []counted {
	var all []counted
	add := func(c cell, count int64) {
		if count > 0 {
			all = append(all, counted{c, float64(count)})
		}
	}
	for c, count := range d.explicit {
		add(c, count)
	}
	for index, count := range d.sides[0] {
		add(cell{d.bound(index), d.bound(index + 1), true}, count)
	}
	below := false
	for index, count := range d.sides[1] {
		add(cell{-d.bound(index + 1), -d.bound(index), true}, count)
		below = below || count > 0
	}
	zero := cell{from: 0, to: d.threshold}
	if below {
		zero.from = -d.threshold
	}
	add(zero, d.zeros)
	slices.SortFunc(all, func(a, b counted) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	return all
}

// bound is the lower bound of an index: 2^(index / 2^scale).
func (d *distribution) bound(index int64) float64 {
	return math.Exp2(math.Ldexp(float64(index), -int(d.scale)))
}

// quantile is the least value that a share of the observations does not exceed; false of
// no observations.
func (d *distribution) quantile(share float64) (float64, bool) {
	cells := d.cells()
	total, apart := 0.0, true
	for i, c := range cells {
		total += c.count
		apart = apart && (i == 0 || cells[i-1].to <= c.from)
	}
	if total == 0 {
		return 0, false
	}
	if !apart {
		return bisected(cells, share*total), true
	}
	rank := share * total
	for _, c := range cells {
		if rank <= c.count {
			return c.at(rank / c.count), true
		}
		rank -= c.count
	}
	return cells[len(cells)-1].to, true
}

// at is the value at a share of the cell.
func (c cell) at(share float64) float64 {
	if c.logarithmic { // of one sign
		return c.from * math.Pow(c.to/c.from, share)
	}
	return c.from + (c.to-c.from)*share
}

// below is the share of the cell that does not exceed a value.
func (c cell) below(value float64) float64 {
	switch {
	case value >= c.to:
		return 1
	case value < c.from:
		return 0
	case c.logarithmic:
		return math.Log(value/c.from) / math.Log(c.to/c.from)
	default:
		return (value - c.from) / (c.to - c.from)
	}
}

// bisected is the least value with a rank, in cells that overlap: histograms of different
// bounds in one group.
func bisected(cells []counted, rank float64) float64 {
	low, high := cells[0].from, cells[0].to
	for _, c := range cells {
		high = max(high, c.to)
	}
	for range 100 { // halvings: more than a double has bits
		middle := low + (high-low)/2
		reached := 0.0
		for _, c := range cells {
			reached += c.count * c.below(middle)
		}
		if reached >= rank {
			high = middle
		} else {
			low = middle
		}
	}
	return high
}
