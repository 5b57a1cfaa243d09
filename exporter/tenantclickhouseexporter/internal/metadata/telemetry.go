package metadata

import (
	"errors"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/metric"
)

// TelemetryBuilder holds the exporter's own instruments.
type TelemetryBuilder struct {
	AcceptedItems  metric.Int64Counter
	StoredItems    metric.Int64Counter
	RefusedItems   metric.Int64Counter
	WaitingItems   metric.Int64UpDownCounter
	WaitingBytes   metric.Int64UpDownCounter
	Inserts        metric.Int64Counter
	InsertDuration metric.Float64Histogram
	InsertRows     metric.Int64Histogram
	GroupRequests  metric.Int64Histogram
}

// NewTelemetryBuilder makes the instruments.
func NewTelemetryBuilder(settings component.TelemetrySettings) (*TelemetryBuilder, error) {
	meter := settings.MeterProvider.Meter(ScopeName)
	var b TelemetryBuilder
	var errs [9]error
	b.AcceptedItems, errs[0] = meter.Int64Counter("otelcol_exporter_tenant_clickhouse_accepted_items",
		metric.WithDescription("Items that were taken to be stored."), metric.WithUnit("{items}"))
	b.StoredItems, errs[1] = meter.Int64Counter("otelcol_exporter_tenant_clickhouse_stored_items",
		metric.WithDescription("Items whose insert ClickHouse confirmed."), metric.WithUnit("{items}"))
	b.RefusedItems, errs[2] = meter.Int64Counter("otelcol_exporter_tenant_clickhouse_refused_items",
		metric.WithDescription("Items that were given back to the client, by reason."), metric.WithUnit("{items}"))
	b.WaitingItems, errs[3] = meter.Int64UpDownCounter("otelcol_exporter_tenant_clickhouse_waiting_items",
		metric.WithDescription("Items whose insert is not confirmed yet."), metric.WithUnit("{items}"))
	b.WaitingBytes, errs[4] = meter.Int64UpDownCounter("otelcol_exporter_tenant_clickhouse_waiting_bytes",
		metric.WithDescription("Size of the requests whose insert is not confirmed yet, as OTLP."), metric.WithUnit("By"))
	b.Inserts, errs[5] = meter.Int64Counter("otelcol_exporter_tenant_clickhouse_inserts",
		metric.WithDescription("Statements sent to ClickHouse, by table and outcome."), metric.WithUnit("{inserts}"))
	b.InsertDuration, errs[6] = meter.Float64Histogram("otelcol_exporter_tenant_clickhouse_insert_duration",
		metric.WithDescription("Time until ClickHouse answered an insert."), metric.WithUnit("s"))
	b.InsertRows, errs[7] = meter.Int64Histogram("otelcol_exporter_tenant_clickhouse_insert_rows",
		metric.WithDescription("Rows of an insert."), metric.WithUnit("{rows}"),
		metric.WithExplicitBucketBoundaries(1, 10, 100, 1000, 4000, 16000, 64000, 256000))
	b.GroupRequests, errs[8] = meter.Int64Histogram("otelcol_exporter_tenant_clickhouse_group_requests",
		metric.WithDescription("Requests that one group of inserts stored."), metric.WithUnit("{requests}"),
		metric.WithExplicitBucketBoundaries(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000))
	return &b, errors.Join(errs[:]...)
}
