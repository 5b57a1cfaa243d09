package metadata

import (
	"errors"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/metric"
)

const prefix = "otelcol_exporter_tenant_clickhouse_"

// TelemetryBuilder holds the exporter's own instruments.
type TelemetryBuilder struct {
	Meter metric.Meter

	AcceptedItems  metric.Int64Counter
	StoredItems    metric.Int64Counter
	RefusedItems   metric.Int64Counter
	LostItems      metric.Int64Counter
	WaitingItems   metric.Int64UpDownCounter
	WaitingBytes   metric.Int64UpDownCounter
	Inserts        metric.Int64Counter
	InsertDuration metric.Float64Histogram
	InsertRows     metric.Int64Histogram
	GroupRequests  metric.Int64Histogram
	DeadRows       metric.Int64Counter
	ReplayedRows   metric.Int64Counter
	ExpiredRows    metric.Int64Counter
	Hints          metric.Int64Counter

	QueueItems   metric.Int64ObservableGauge
	QueueBatches metric.Int64ObservableGauge
	QueueAge     metric.Float64ObservableGauge
	LogSize      metric.Int64ObservableGauge

	LedgerAccepted metric.Int64ObservableCounter
	LedgerStored   metric.Int64ObservableUpDownCounter
	LedgerDead     metric.Int64ObservableUpDownCounter
	LedgerFiltered metric.Int64ObservableCounter
	LedgerQueued   metric.Int64ObservableGauge
	LedgerAge      metric.Float64ObservableGauge
}

// NewTelemetryBuilder makes the instruments.
func NewTelemetryBuilder(settings component.TelemetrySettings) (*TelemetryBuilder, error) {
	b := &TelemetryBuilder{Meter: settings.MeterProvider.Meter(ScopeName)}
	return b, errors.Join(b.requests(), b.inserts(), b.letters(), b.queue(), b.ledger())
}

func (b *TelemetryBuilder) requests() error {
	var errs [6]error
	b.AcceptedItems, errs[0] = b.Meter.Int64Counter(prefix+"accepted_items",
		metric.WithDescription("Items that were acknowledged."), metric.WithUnit("{items}"))
	b.StoredItems, errs[1] = b.Meter.Int64Counter(prefix+"stored_items",
		metric.WithDescription("Items whose insert ClickHouse confirmed."), metric.WithUnit("{items}"))
	b.RefusedItems, errs[2] = b.Meter.Int64Counter(prefix+"refused_items",
		metric.WithDescription("Items that were given back to the client, by reason."), metric.WithUnit("{items}"))
	b.LostItems, errs[3] = b.Meter.Int64Counter(prefix+"lost_items",
		metric.WithDescription("Acknowledged items whose part of the log had changed on disk."), metric.WithUnit("{items}"))
	b.WaitingItems, errs[4] = b.Meter.Int64UpDownCounter(prefix+"waiting_items",
		metric.WithDescription("Items whose request is not answered yet."), metric.WithUnit("{items}"))
	b.WaitingBytes, errs[5] = b.Meter.Int64UpDownCounter(prefix+"waiting_bytes",
		metric.WithDescription("Size of the requests that are not answered yet, as OTLP."), metric.WithUnit("By"))
	return errors.Join(errs[:]...)
}

func (b *TelemetryBuilder) inserts() error {
	var errs [4]error
	b.Inserts, errs[0] = b.Meter.Int64Counter(prefix+"inserts",
		metric.WithDescription("Statements sent to ClickHouse, by table and outcome."), metric.WithUnit("{inserts}"))
	b.InsertDuration, errs[1] = b.Meter.Float64Histogram(prefix+"insert_duration",
		metric.WithDescription("Time until ClickHouse answered an insert."), metric.WithUnit("s"))
	b.InsertRows, errs[2] = b.Meter.Int64Histogram(prefix+"insert_rows",
		metric.WithDescription("Rows of an insert."), metric.WithUnit("{rows}"),
		metric.WithExplicitBucketBoundaries(1, 10, 100, 1000, 4000, 16000, 64000, 256000))
	b.GroupRequests, errs[3] = b.Meter.Int64Histogram(prefix+"group_requests",
		metric.WithDescription("Requests that were kept together, by one sync or one group of inserts."), metric.WithUnit("{requests}"),
		metric.WithExplicitBucketBoundaries(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000))
	return errors.Join(errs[:]...)
}

func (b *TelemetryBuilder) letters() error {
	var errs [4]error
	b.DeadRows, errs[0] = b.Meter.Int64Counter(prefix+"dead_rows",
		metric.WithDescription("Rows that went to the dead letters, by table."), metric.WithUnit("{rows}"))
	b.ReplayedRows, errs[1] = b.Meter.Int64Counter(prefix+"replayed_rows",
		metric.WithDescription("Rows of dead letters that were stored after all, by table."), metric.WithUnit("{rows}"))
	b.ExpiredRows, errs[2] = b.Meter.Int64Counter(prefix+"expired_rows",
		metric.WithDescription("Rows of dead letters that were removed because of their age, by table."), metric.WithUnit("{rows}"))
	b.Hints, errs[3] = b.Meter.Int64Counter(prefix+"hints",
		metric.WithDescription("Hints to Redis that there is new data, by outcome."), metric.WithUnit("{hints}"))
	return errors.Join(errs[:]...)
}

func (b *TelemetryBuilder) queue() error {
	var errs [4]error
	b.QueueItems, errs[0] = b.Meter.Int64ObservableGauge(prefix+"queue_items",
		metric.WithDescription("Items in the log that ClickHouse does not have yet."), metric.WithUnit("{items}"))
	b.QueueBatches, errs[1] = b.Meter.Int64ObservableGauge(prefix+"queue_batches",
		metric.WithDescription("Batches in the log that ClickHouse does not have yet."), metric.WithUnit("{batches}"))
	b.QueueAge, errs[2] = b.Meter.Float64ObservableGauge(prefix+"queue_oldest_age",
		metric.WithDescription("Age of the oldest item that ClickHouse does not have yet."), metric.WithUnit("s"))
	b.LogSize, errs[3] = b.Meter.Int64ObservableGauge(prefix+"log_size",
		metric.WithDescription("Space that the log takes on disk."), metric.WithUnit("By"))
	return errors.Join(errs[:]...)
}

func (b *TelemetryBuilder) ledger() error {
	var errs [6]error
	b.LedgerAccepted, errs[0] = b.Meter.Int64ObservableCounter(prefix+"ledger_accepted_items",
		metric.WithDescription("Items acknowledged since the log began, by workspace, tenant and API key."), metric.WithUnit("{items}"))
	b.LedgerStored, errs[1] = b.Meter.Int64ObservableUpDownCounter(prefix+"ledger_stored_items",
		metric.WithDescription("Items stored since the log began."), metric.WithUnit("{items}"))
	b.LedgerDead, errs[2] = b.Meter.Int64ObservableUpDownCounter(prefix+"ledger_dead_items",
		metric.WithDescription("Items that went to the dead letters since the log began and were not replayed."), metric.WithUnit("{items}"))
	b.LedgerFiltered, errs[3] = b.Meter.Int64ObservableCounter(prefix+"ledger_filtered_items",
		metric.WithDescription("Items that were removed by configuration since the log began."), metric.WithUnit("{items}"))
	b.LedgerQueued, errs[4] = b.Meter.Int64ObservableGauge(prefix+"ledger_queued_items",
		metric.WithDescription("Items in the log that ClickHouse does not have yet."), metric.WithUnit("{items}"))
	b.LedgerAge, errs[5] = b.Meter.Float64ObservableGauge(prefix+"ledger_oldest_age",
		metric.WithDescription("Age of the oldest item that ClickHouse does not have yet."), metric.WithUnit("s"))
	return errors.Join(errs[:]...)
}
