package tenantclickhouseexporter

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/spool"
	"github.com/telemetryflow/telemetryflow/internal/apikey"
)

// observe reports what the log holds, in sum and by account.
func (t *telemetry) observe(l *logged) (err error) {
	t.observed, err = t.Meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		now := time.Now()
		queue := l.spool.Queue()
		o.ObserveInt64(t.QueueItems, int64(queue.Items), t.signal)
		o.ObserveInt64(t.QueueBatches, int64(queue.Batches), t.signal)
		o.ObserveFloat64(t.QueueAge, age(now, queue.Oldest), t.signal)
		o.ObserveInt64(t.LogSize, l.log.Size(), t.signal)
		for _, account := range l.spool.Accounts() {
			t.account(o, now, &account)
		}
		return nil
	}, t.QueueItems, t.QueueBatches, t.QueueAge, t.LogSize,
		t.LedgerAccepted, t.LedgerStored, t.LedgerDead, t.LedgerFiltered, t.LedgerQueued, t.LedgerAge)
	return err
}

func (t *telemetry) account(o metric.Observer, now time.Time, a *spool.AccountView) {
	of := metric.WithAttributeSet(attribute.NewSet(
		attribute.String("signal", t.name),
		attribute.String("workspace_id", a.Owner.Workspace.String()),
		attribute.String("tenant_id", a.Owner.Tenant.String()),
		attribute.String("api_key_id", apikey.ID(a.Key).String()),
	))
	o.ObserveInt64(t.LedgerAccepted, int64(a.Accepted), of)
	o.ObserveInt64(t.LedgerStored, int64(a.Stored), of)
	o.ObserveInt64(t.LedgerDead, int64(a.Dead), of)
	o.ObserveInt64(t.LedgerFiltered, int64(a.Filtered), of)
	o.ObserveInt64(t.LedgerQueued, int64(a.Queued), of)
	o.ObserveFloat64(t.LedgerAge, age(now, a.Oldest), of)
}

func age(now, at time.Time) float64 {
	if at.IsZero() {
		return 0
	}
	return max(now.Sub(at).Seconds(), 0)
}

// forget ends the reports of a log that is closed.
func (t *telemetry) forget() {
	if t.observed != nil {
		_ = t.observed.Unregister()
	}
}
