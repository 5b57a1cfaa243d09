// Command encodebench compares the encoder with row append through clickhouse-go:
// the same batch of items into the same columns of the same Native block.
//
// Rounds of both are interleaved and medians are shown, so that other work on the
// machine weighs on both. The series of the metrics are known, as they are in a
// running system; both sides compute their ids from the labels.
package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
	chproto "github.com/ClickHouse/clickhouse-go/v2/lib/proto"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/encode"
)

const rounds = 15

// contest is one signal.
type contest struct {
	name   string
	table  string
	append func(*encode.Encoder) error
	rows   func(add func(...any) error) error
}

// cost is per item.
type cost struct{ nanoseconds, allocations float64 }

func main() {
	td, ld, md, hd := traces(), logs(), metrics(), histograms()
	contests := []contest{
		{"traces", "spans", func(e *encode.Encoder) error { return e.AppendTraces(td) }, func(add func(...any) error) error { return traceRows(td, add) }},
		{"logs", "logs", func(e *encode.Encoder) error { return e.AppendLogs(ld) }, func(add func(...any) error) error { return logRows(ld, add) }},
		{"metrics", "metric_samples", func(e *encode.Encoder) error { return e.AppendMetrics(md) }, func(add func(...any) error) error { return metricRows(md, add) }},
		{"histograms", "metric_histogram_samples", func(e *encode.Encoder) error { return e.AppendMetrics(hd) }, func(add func(...any) error) error { return histogramRows(hd, add) }},
	}
	for _, c := range contests {
		if err := c.run(); err != nil {
			fmt.Fprintln(os.Stderr, "encodebench:", c.name+":", err)
			os.Exit(1)
		}
	}
}

func newEncoder() *encode.Encoder {
	return encode.New(encode.Config{Retention: encode.Retention{Metrics: 90, Logs: 30, Traces: 30}, Seen: encode.NewSeenSeries(1 << 20)})
}

func (c contest) run() error {
	encoder := newEncoder()
	var body []byte
	ours := func() error {
		encoder.Reset(1)
		if err := c.append(encoder); err != nil {
			return err
		}
		body = body[:0]
		for _, block := range encoder.Blocks() {
			body = block.AppendNative(body)
		}
		encoder.Commit()
		return nil
	}
	cold, err := measure(ours)
	if err != nil {
		return err
	}
	if err := ours(); err != nil { // warm: the series are known, the buffers have grown
		return err
	}
	names, types, err := c.columns(encoder)
	if err != nil {
		return err
	}
	theirs := func() error { return c.appendRows(names, types) }

	var our, their []cost
	for range rounds {
		one, err := measure(ours)
		if err != nil {
			return err
		}
		other, err := measure(theirs)
		if err != nil {
			return err
		}
		our, their = append(our, one), append(their, other)
	}
	us, them := median(our), median(their)
	fmt.Printf("%-10s columns %7.0f ns %7.3f allocs   row append %7.0f ns %7.1f allocs   per item\n",
		c.name, us.nanoseconds, us.allocations, them.nanoseconds, them.allocations)
	fmt.Printf("FIGURE encode_first_batch_ns_%s %.0f\n", c.name, cold.nanoseconds)
	fmt.Printf("FIGURE encode_ns_ratio_%s %.1f\nFIGURE encode_allocs_ratio_%s %.0f\n",
		c.name, them.nanoseconds/us.nanoseconds, c.name, them.allocations/us.allocations)
	return nil
}

// columns reads names and types back from the encoder's own block.
func (c contest) columns(encoder *encode.Encoder) (names []string, types []column.Type, err error) {
	for _, block := range encoder.Blocks() {
		if block.Table() != c.table {
			continue
		}
		decoded := chproto.NewBlock()
		if err := decoded.Decode(proto.NewReader(bytes.NewReader(block.AppendNative(nil))), 0); err != nil {
			return nil, nil, fmt.Errorf("read the block back: %w", err)
		}
		for _, one := range decoded.Columns {
			names, types = append(names, one.Name()), append(types, one.Type())
		}
	}
	return names, types, nil
}

func (c contest) appendRows(names []string, types []column.Type) error {
	block := chproto.NewBlock()
	for i, name := range names {
		if err := block.AddColumn(name, types[i]); err != nil {
			return err
		}
	}
	if err := c.rows(block.Append); err != nil {
		return err
	}
	return block.Encode(&proto.Buffer{}, 0)
}

// measure runs once and counts.
func measure(run func() error) (cost, error) {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begin := time.Now()
	err := run()
	took := time.Since(begin)
	runtime.ReadMemStats(&after)
	return cost{
		nanoseconds: float64(took.Nanoseconds()) / items,
		allocations: max(float64(after.Mallocs-before.Mallocs), 1) / items,
	}, err
}

func median(costs []cost) cost {
	nanoseconds, allocations := make([]float64, len(costs)), make([]float64, len(costs))
	for i, c := range costs {
		nanoseconds[i], allocations[i] = c.nanoseconds, c.allocations
	}
	slices.Sort(nanoseconds)
	slices.Sort(allocations)
	return cost{nanoseconds[len(costs)/2], allocations[len(costs)/2]}
}
