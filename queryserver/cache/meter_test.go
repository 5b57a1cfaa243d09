package cache_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/telemetryflow/telemetryflow/queryserver/cache"
)

func TestCache_Metrics(t *testing.T) {
	t.Parallel()
	reader := sdkmetric.NewManualReader()
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	c, err := cache.New(cache.DefaultSettings(), nil, slog.New(slog.DiscardHandler), provider.Meter("test"))
	require.NoError(t, err)
	i := &instance{Cache: c, users: cache.Of(c, cache.Kind[user]{Name: "user", L1: time.Minute})}
	i.want(t, "ann", cache.Load, "ann")
	i.want(t, "ann", cache.L1, "ann")
	i.want(t, "ann", cache.L1, "ann")
	i.Forget(t.Context(), "user:42")

	var collected metricdata.ResourceMetrics
	require.NoError(t, reader.Collect(t.Context(), &collected))
	got := map[string]int64{}
	for _, m := range collected.ScopeMetrics[0].Metrics {
		if sum, ok := m.Data.(metricdata.Sum[int64]); ok {
			for _, point := range sum.DataPoints {
				got[m.Name+" "+point.Attributes.Encoded(attribute.DefaultEncoder())] = point.Value
			}
		}
	}
	for name, value := range map[string]int64{
		"telemetryflow.cache.requests kind=user,level=l1":    2,
		"telemetryflow.cache.requests kind=user,level=l2":    0,
		"telemetryflow.cache.requests kind=user,level=none":  1,
		"telemetryflow.cache.loads kind=user,result=ok":      1,
		"telemetryflow.cache.loads kind=user,result=failed":  0,
		"telemetryflow.cache.invalidations kind=user":        1,
		"telemetryflow.cache.rejected kind=user,reason=seal": 0,
		"telemetryflow.cache.redis.failures result=failed":   0,
	} {
		require.Contains(t, got, name)
		require.Equal(t, value, got[name], name)
	}
	require.NoError(t, c.Close())
	require.NoError(t, reader.Collect(t.Context(), &collected))
	require.Empty(t, collected.ScopeMetrics, "nothing is left registered")
}
