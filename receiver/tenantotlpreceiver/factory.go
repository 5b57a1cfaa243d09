package tenantotlpreceiver

import (
	"context"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"

	"github.com/telemetryflow/telemetryflow/receiver/tenantotlpreceiver/internal/metadata"
)

// NewFactory makes the receiver's factory.
func NewFactory() receiver.Factory {
	s := &sharing{receivers: make(map[*Config]*otlpReceiver)}
	return receiver.NewFactory(
		metadata.Type,
		createDefaultConfig,
		receiver.WithTraces(func(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Traces) (receiver.Traces, error) {
			return s.serve(set, cfg, tracesSignal(next))
		}, metadata.TracesStability),
		receiver.WithMetrics(func(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Metrics) (receiver.Metrics, error) {
			return s.serve(set, cfg, metricsSignal(next))
		}, metadata.MetricsStability),
		receiver.WithLogs(func(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Logs) (receiver.Logs, error) {
			return s.serve(set, cfg, logsSignal(next))
		}, metadata.LogsStability),
	)
}

// sharing makes one receiver serve all signals of one configuration, since they
// share its ports, although the Collector asks for a receiver per signal.
type sharing struct {
	mu        sync.Mutex
	receivers map[*Config]*otlpReceiver
}

func (s *sharing) serve(set receiver.Settings, config component.Config, added *signal) (*otlpReceiver, error) {
	cfg := config.(*Config)
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.receivers[cfg]
	if !ok {
		var err error
		if r, err = newReceiver(cfg, set, func() { s.forget(cfg) }); err != nil {
			return nil, err
		}
		s.receivers[cfg] = r
	}
	r.signals = append(r.signals, added)
	return r, nil
}

// forget lets the same configuration be used again after a shutdown.
func (s *sharing) forget(cfg *Config) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.receivers, cfg)
}
