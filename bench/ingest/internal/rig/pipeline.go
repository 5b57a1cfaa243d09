//go:build linux

package rig

import (
	"context"
	_ "embed" // the pipelines' configurations
	"strconv"
	"strings"

	"github.com/telemetryflow/telemetryflow/bench/ingest/internal/corpus"
)

// Pipeline is a way from OTLP into ClickHouse through the collector.
type Pipeline struct {
	Name  string
	About string // its settings, for the report
	Ours  bool   // tenants and their keys, tables by migration

	config      string
	environment []string
	tables      map[string][]string // that hold one row per item, by signal
	fsync       bool                // of its tables, which the exporter makes without
}

//go:embed ours.yaml
var oursConfig string

//go:embed contrib.yaml
var contribConfig string

// Ours is the pipeline of TelemetryFlow.
const Ours = "ours"

// Pipelines are ours, and the contrib ClickHouse exporter with three settings. All
// of them are durable over a crash of the collector.
func Pipelines() []*Pipeline {
	return []*Pipeline{
		{
			Name: Ours, Ours: true, config: oursConfig,
			About:  "tenant_otlp, api_key_auth, tenant_context, tenant_clickhouse as shipped: write-ahead log with fsync, batches of up to 65,536 rows, 2 consumers; tables with fsync",
			tables: map[string][]string{corpus.Traces: {"spans"}, corpus.Logs: {"logs"}, corpus.Metrics: {"metric_samples"}},
		},
		contrib("contrib-fsync", "async_insert=0; fsync of the queue and of the tables", false, true),
		contrib("contrib-nofsync", "async_insert=0; no fsync", false, false),
		contrib("contrib-async", "async_insert=1, as is its default; no fsync", true, false),
	}
}

func contrib(name, about string, async, fsync bool) *Pipeline {
	return &Pipeline{
		Name:   name,
		About:  "otlp, clickhouse: batch 8,192, queue in file_storage, 2 consumers, no compression; " + about,
		config: contribConfig, fsync: fsync,
		environment: []string{"BENCH_ASYNC=" + strconv.FormatBool(async), "BENCH_FSYNC=" + strconv.FormatBool(fsync)},
		tables: map[string][]string{
			corpus.Traces: {"otel_traces"}, corpus.Logs: {"otel_logs"}, corpus.Metrics: {"otel_metrics_sum", "otel_metrics_gauge"},
		},
	}
}

// Stored is how many items of the signals are stored in a database.
func (p *Pipeline) Stored(ctx context.Context, engine *Engine, database string, signals []string) (int64, error) {
	var counts []string
	for _, signal := range signals {
		for _, table := range p.tables[signal] {
			counts = append(counts, "(SELECT count() FROM "+table+")")
		}
	}
	return engine.Int(ctx, database, "SELECT "+strings.Join(counts, " + "))
}

// harden gives the tables of the exporter the fsync that ours have.
func (p *Pipeline) harden(ctx context.Context, engine *Engine, database string) error {
	if !p.fsync {
		return nil
	}
	tables, err := engine.Lines(ctx, database, "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'")
	if err != nil {
		return err
	}
	for _, table := range tables {
		if err := engine.Exec(ctx, database, "ALTER TABLE "+table+" MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1"); err != nil {
			return err
		}
	}
	return nil
}
