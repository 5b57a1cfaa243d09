package tenantclickhouseexporter

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap/confmaptest"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/metadata"
)

func load(t *testing.T, name string) (*Config, error) {
	t.Helper()
	conf, err := confmaptest.LoadConf(filepath.Join("testdata", "config.yaml"))
	require.NoError(t, err)
	section, err := conf.Sub(metadata.Type.String() + "/" + name)
	require.NoError(t, err)
	config := createDefaultConfig().(*Config)
	if err := section.Unmarshal(config); err != nil {
		return nil, err
	}
	return config, config.Validate()
}

func TestConfig_Validate(t *testing.T) {
	t.Parallel()
	t.Run("OK", func(t *testing.T) {
		t.Parallel()
		config, err := load(t, "every_key")
		require.NoError(t, err)
		want := createDefaultConfig().(*Config)
		want.Endpoint = "https://clickhouse.example:8443/telemetry"
		want.Database, want.Username, want.Password = "other", "writer", "secret"
		want.TLS.CAFile = "/etc/ca.pem"
		want.Compression, want.Timeout, want.InsertQuorum = "zstd", 5*time.Second, "auto"
		storage := component.MustNewIDWithName("write_ahead_log", "disk")
		enabled := true
		want.NumConsumers = 3
		want.Batch = BatchConfig{MaxRows: 1000, MaxBytes: 2000, MaxAge: time.Minute}
		want.SendingQueue = QueueConfig{Storage: &storage, Enabled: &enabled, NumConsumers: 3}
		want.DeadLetters.MaxAge = time.Hour
		want.Receipts = ReceiptsConfig{Stored: time.Minute, Dead: 2 * time.Minute, Repeats: 3 * time.Minute}
		want.Hints.RedisURL = "redis://127.0.0.1:6379/0"
		want.Waiting = WaitingConfig{MaxRequests: 7, MaxBytes: 8}
		want.Retry = RetryConfig{InitialInterval: 2 * time.Second, MaxInterval: 9 * time.Second, MaxAttempts: 3}
		want.Retention = RetentionDays{Metrics: 1, Logs: 2, Traces: 400}
		want.SeriesMemory = 99
		require.Equal(t, want, config)
	})
	t.Run("OK stored", func(t *testing.T) {
		t.Parallel()
		config, err := load(t, "stored")
		require.NoError(t, err)
		require.Equal(t, GroupConfig{MaxItems: 10, MaxBytes: 20, ParallelItems: 5, ParallelAfter: time.Minute}, config.Group)
	})
	t.Run("OK smallest", func(t *testing.T) {
		t.Parallel()
		config, err := load(t, "smallest")
		require.NoError(t, err)
		require.Equal(t, 10, config.consumers())
	})
	t.Run("OK consumers", func(t *testing.T) {
		t.Parallel()
		config, err := load(t, "consumers")
		require.NoError(t, err)
		require.Equal(t, 4, config.consumers())
	})
	for name, want := range map[string][]string{
		"no_endpoint": {"endpoint must be set"},
		"native":      {"https://"},
		"query":       {"query parameters"},
		"queue": {
			"sending_queue::enabled must not be false", "sending_queue::storage must be set", "group is for ack: stored",
			"sending_queue::queue_size must not be set", "sending_queue::sizer must not be set", "sending_queue::block_on_overflow must not be set",
			"sending_queue::wait_for_result must not be set: use ack: stored", "sending_queue::batch must not be set: use batch",
			"num_consumers (5) and sending_queue::num_consumers (4) are one setting",
		},
		"queue_stored": {
			"sending_queue::enabled must not be true", "sending_queue::storage must not be set with ack: stored (got file_storage)",
			"batch, dead_letters and receipts are for ack: synced",
		},
		"ack": {`ack must be "synced"`, `(got "memory")`},
		"numbers": {
			"num_consumers must be positive (got 0)", "timeout must be a positive duration (got 0s)", "group::max_items must be between 1 and",
			"retry_on_failure::jitter must be between 0 and 1 (got 2)", "retry_on_failure::max_attempts must not be negative (got -1)",
			"retention::logs must be between 1 and 400 days (got 401)", "compression must be",
		},
		"unknown_key": {"nosuchkey"},
	} {
		t.Run("Err "+name, func(t *testing.T) {
			t.Parallel()
			_, err := load(t, name)
			for _, text := range want {
				require.ErrorContains(t, err, text)
			}
			require.NotContains(t, err.Error(), "hidden")
		})
	}
}

func TestConfig_Default(t *testing.T) {
	t.Parallel()
	require.NoError(t, componenttest.CheckConfigStruct(createDefaultConfig()))
}

func TestRetryConfig_Delay(t *testing.T) {
	t.Parallel()
	config := RetryConfig{InitialInterval: time.Second, MaxInterval: 20 * time.Second}
	for attempt, seconds := range []float64{1, 4, 9, 16, 20, 20} {
		require.InDelta(t, seconds, config.delay(attempt+1).Seconds(), 0)
	}
	config.Jitter = 0.5
	for range 100 {
		require.InDelta(t, float64(time.Second), float64(config.delay(1)), float64(time.Second)/2)
	}
}
