package clickhouse

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configtls"

	"github.com/telemetryflow/telemetryflow/internal/chconn"
)

// Settings are where ClickHouse is, and what questions may cost. Each has a default in
// DefaultSettings.
type Settings struct {
	// Endpoint is http://[user:password@]host[:8123][/database], or https://…
	Endpoint configopaque.String `mapstructure:"endpoint"`
	// TLS is of https; the default trusts the system's roots.
	TLS configtls.ClientConfig `mapstructure:"tls"`
	// Compression of answers: none, lz4, zstd or gzip. Default: none to this machine, lz4
	// to others.
	Compression string        `mapstructure:"compression"`
	Limits      LimitSettings `mapstructure:"limits"`

	_ struct{}
}

// LimitSettings bound one question, and all questions of a tenant.
type LimitSettings struct {
	// Queries run at once, of all tenants. Default: 4; an embedded engine has as many
	// connections, and two processors are busy with fewer.
	Queries int `mapstructure:"queries"`
	// QueriesPerTenant run at once. Default: 2, so that no tenant takes all.
	QueriesPerTenant int `mapstructure:"queries_per_tenant"`
	// WaitingPerTenant wait for their turn. More get 429. Default: 32, some dashboards.
	WaitingPerTenant int `mapstructure:"waiting_per_tenant"`
	// QueueTimeout is how long a question waits before it gets 429. Default: 10 s.
	QueueTimeout time.Duration `mapstructure:"queue_timeout"`
	// Time of one question. Default: 20 s, less than http::limits::request_timeout.
	Time time.Duration `mapstructure:"time"`
	// MemoryBytes of one question in the engine. Default: 512 MiB.
	MemoryBytes int64 `mapstructure:"memory_bytes"`
	// RowsRead and BytesRead by one question. Defaults: 1e9, and 20 GiB uncompressed: at
	// what an engine reads per second, the time ends first.
	RowsRead  int64 `mapstructure:"rows_read"`
	BytesRead int64 `mapstructure:"bytes_read"`
	// Threads of one question. Default: 2.
	Threads int `mapstructure:"threads"`
	// ExportRows of one export, which is refused if it has more. Default: 1,000,000, some
	// 500 MB of NDJSON.
	ExportRows int `mapstructure:"export_rows"`

	_ struct{}
}

// DefaultSettings lack an Endpoint.
func DefaultSettings() Settings {
	return Settings{Limits: LimitSettings{
		Queries: 4, QueriesPerTenant: 2, WaitingPerTenant: 32, QueueTimeout: 10 * time.Second,
		Time: 20 * time.Second, MemoryBytes: 512 << 20, RowsRead: 1e9, BytesRead: 20 << 30, Threads: 2, ExportRows: 1e6,
	}}
}

// Validate names the key at fault.
func (s Settings) Validate() error {
	if s.Endpoint == "" {
		return errors.New("endpoint: it is empty; give the URL of ClickHouse's HTTP interface")
	}
	if err := (chconn.Config{Endpoint: string(s.Endpoint), Compression: s.Compression}).Validate(); err != nil {
		return fmt.Errorf("endpoint: %w", err)
	}
	var faults []error
	for key, value := range map[string]int64{
		"queries": int64(s.Limits.Queries), "queries_per_tenant": int64(s.Limits.QueriesPerTenant), "waiting_per_tenant": int64(s.Limits.WaitingPerTenant),
		"queue_timeout": int64(s.Limits.QueueTimeout), "time": int64(s.Limits.Time), "memory_bytes": s.Limits.MemoryBytes,
		"rows_read": s.Limits.RowsRead, "bytes_read": s.Limits.BytesRead, "threads": int64(s.Limits.Threads),
		"export_rows": int64(s.Limits.ExportRows),
	} {
		if value <= 0 {
			faults = append(faults, fmt.Errorf("limits::%s: must be positive", key))
		}
	}
	return errors.Join(faults...)
}

// engine are ClickHouse's own settings, which go with every statement.
func (l LimitSettings) engine() map[string]any {
	return map[string]any{
		"max_execution_time": l.Time.Seconds(), "max_memory_usage": l.MemoryBytes,
		"max_rows_to_read": l.RowsRead, "max_bytes_to_read": l.BytesRead, "read_overflow_mode": "throw",
		"max_threads": l.Threads,
		// A question whose asker has gone is stopped.
		"cancel_http_readonly_queries_on_client_close": 1,
		// A part of an answer would look like all of it.
		"wait_end_of_query": 1,
	}
}
