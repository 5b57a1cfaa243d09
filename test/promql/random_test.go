package promql

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

func language() parser.Options { return parser.Options{} }

// random makes counters. Its seed is in the log.
type random struct{ *rand.Rand }

func newRandom(t *testing.T) random {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return random{rand.New(rand.NewPCG(seed, 0))}
}

// counter is a cumulative sum around noon, with resets, gaps and markers of staleness.
func (r random) counter(code string) func(pmetric.Metric) {
	return func(m pmetric.Metric) {
		sum := m.SetEmptySum()
		sum.SetIsMonotonic(true)
		sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
		at, value := noon.Add(-10*time.Minute), r.Float64()*1000
		for at.Before(noon.Add(45 * time.Minute)) {
			p := sum.DataPoints().AppendEmpty()
			p.Attributes().PutStr("code", code)
			p.SetTimestamp(pcommon.NewTimestampFromTime(at))
			p.SetDoubleValue(value)
			at = at.Add(14*time.Second + time.Duration(r.IntN(2e9)))
			value += r.Float64() * 50
			switch r.IntN(30) {
			case 0:
				value = r.Float64() * 10
			case 1:
				at = at.Add(time.Duration(r.IntN(300)) * time.Second)
			case 2:
				p.SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true))
			}
		}
	}
}
