package cache

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// instruments are what docs/cache.md lists.
type instruments struct {
	requests, loads, invalidations, rejected, failures metric.Int64ObservableCounter
	size                                               metric.Int64ObservableGauge
}

// observe registers the metrics of the cache.
func (c *Cache) observe(meter metric.Meter) (metric.Registration, error) {
	var i instruments
	var errs []error
	for _, counter := range []struct {
		to                      *metric.Int64ObservableCounter
		name, unit, description string
	}{
		{&i.requests, "requests", "{request}", "Calls, by kind and by the level that answered: l1, l2 or none."},
		{&i.loads, "loads", "{load}", "Loads of what no level had, by kind and result."},
		{&i.invalidations, "invalidations", "{invalidation}", "Invalidations heard of, by kind."},
		{&i.rejected, "rejected", "{value}", "Entries of L2 not believed, and values too large to remember, by kind and reason."},
		{&i.failures, "redis.failures", "{operation}", "Operations on Redis that failed, that were skipped after a failure, or whose answer was not used for skewed clocks."},
	} {
		made, err := meter.Int64ObservableCounter("telemetryflow.cache."+counter.name, metric.WithUnit(counter.unit), metric.WithDescription(counter.description))
		*counter.to = made
		errs = append(errs, err)
	}
	var err error
	i.size, err = meter.Int64ObservableGauge("telemetryflow.cache.l1.size", metric.WithUnit("By"), metric.WithDescription("Estimated size of L1."))
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, fmt.Errorf("make the metrics of the cache: %w", err)
	}
	return meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		i.report(o, c.Stats())
		return nil
	}, i.requests, i.loads, i.invalidations, i.rejected, i.failures, i.size)
}

func (i *instruments) report(o metric.Observer, s Stats) {
	o.ObserveInt64(i.size, s.Bytes)
	for result, n := range map[string]int64{"failed": s.RedisErrors, "skipped": s.RedisSkipped, "clock_skew": s.ClockSkewed} {
		o.ObserveInt64(i.failures, n, metric.WithAttributes(attribute.String("result", result)))
	}
	for name, of := range s.Kinds {
		kind := attribute.String("kind", name)
		with := func(key, value string) metric.MeasurementOption {
			return metric.WithAttributes(kind, attribute.String(key, value))
		}
		o.ObserveInt64(i.requests, of.L1Hits, with("level", "l1"))
		o.ObserveInt64(i.requests, of.L2Hits, with("level", "l2"))
		o.ObserveInt64(i.requests, of.Misses, with("level", "none"))
		o.ObserveInt64(i.loads, of.Loads-of.LoadErrors, with("result", "ok"))
		o.ObserveInt64(i.loads, of.LoadErrors, with("result", "failed"))
		o.ObserveInt64(i.invalidations, of.Invalidations, metric.WithAttributes(kind))
		o.ObserveInt64(i.rejected, of.TooLarge, with("reason", "too_large"))
		for reason, n := range of.Rejected {
			o.ObserveInt64(i.rejected, n, with("reason", reason))
		}
	}
}
