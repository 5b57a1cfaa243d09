package tenantclickhouseexporter

import (
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configtls"

	"github.com/telemetryflow/telemetryflow/internal/chconn"
)

// Config is the exporter's configuration. The README says what each key is for.
type Config struct {
	// Endpoint is http://[user:password@]host:8123[/database], or https://….
	Endpoint configopaque.String `mapstructure:"endpoint"`
	// Database, Username and Password go before those of the endpoint.
	Database string              `mapstructure:"database"`
	Username string              `mapstructure:"username"`
	Password configopaque.String `mapstructure:"password"`
	// TLS is used with an https endpoint.
	TLS configtls.ClientConfig `mapstructure:"tls"`
	// Compression of inserts: none, lz4, zstd or gzip. Empty: none to this machine,
	// lz4 to others.
	Compression string `mapstructure:"compression"`
	// Timeout of one insert.
	Timeout time.Duration `mapstructure:"timeout"`
	// InsertQuorum is ClickHouse's insert_quorum for replicated tables.
	InsertQuorum string `mapstructure:"insert_quorum"`

	// Ack is when a request is answered: synced, when it is in the log on disk, or
	// stored, when ClickHouse has it.
	Ack string `mapstructure:"ack"`
	// NumConsumers is how many batches of a signal may be in flight.
	NumConsumers int               `mapstructure:"num_consumers"`
	Batch        BatchConfig       `mapstructure:"batch"`
	Group        GroupConfig       `mapstructure:"group"`
	Waiting      WaitingConfig     `mapstructure:"waiting"`
	Retry        RetryConfig       `mapstructure:"retry_on_failure"`
	SendingQueue QueueConfig       `mapstructure:"sending_queue"`
	DeadLetters  DeadLettersConfig `mapstructure:"dead_letters"`
	Receipts     ReceiptsConfig    `mapstructure:"receipts"`
	Hints        HintsConfig       `mapstructure:"hints"`
	Retention    RetentionDays     `mapstructure:"retention"`
	SeriesMemory int               `mapstructure:"series_memory"`

	_ struct{}
}

// BatchConfig says what of the log is inserted together.
type BatchConfig struct {
	// MaxRows, of one table, and MaxBytes, of all, end a batch.
	MaxRows  int `mapstructure:"max_rows"`
	MaxBytes int `mapstructure:"max_bytes"`
	// MaxAge ends a batch when nothing else is being inserted.
	MaxAge time.Duration `mapstructure:"max_age"`
}

// GroupConfig says which requests are inserted together with ack: stored.
type GroupConfig struct {
	// MaxItems and MaxBytes end a group. A larger request is a group of its own.
	MaxItems int `mapstructure:"max_items"`
	MaxBytes int `mapstructure:"max_bytes"`
	// ParallelItems: while an insert is in flight, another is begun only for so many
	// items, or when a request has waited for ParallelAfter. Else they gather.
	ParallelItems int           `mapstructure:"parallel_items"`
	ParallelAfter time.Duration `mapstructure:"parallel_after"`
}

// WaitingConfig bounds what waits in memory for its answer, per signal. What is over
// it is refused with UNAVAILABLE, and clients try again.
type WaitingConfig struct {
	MaxRequests int `mapstructure:"max_requests"`
	MaxBytes    int `mapstructure:"max_bytes"`
}

// RetryConfig says how failed inserts are repeated: after base × attempt², at most
// max_interval, moved at random by up to the given share.
type RetryConfig struct {
	InitialInterval time.Duration `mapstructure:"initial_interval"`
	MaxInterval     time.Duration `mapstructure:"max_interval"`
	Jitter          float64       `mapstructure:"jitter"`
	MaxAttempts     int           `mapstructure:"max_attempts"`
}

// QueueConfig are the keys of the Collector's usual sending queue, as far as they
// have a meaning for the log.
type QueueConfig struct {
	// Enabled must be true, or absent, with the log.
	Enabled *bool `mapstructure:"enabled"`
	// NumConsumers is the exporter's num_consumers under its usual name.
	NumConsumers int `mapstructure:"num_consumers"`
	// Storage is the write_ahead_log extension that keeps the log.
	Storage *component.ID `mapstructure:"storage"`
	// These are refused, with what to set instead.
	QueueSize       int            `mapstructure:"queue_size"`
	Sizer           string         `mapstructure:"sizer"`
	BlockOnOverflow bool           `mapstructure:"block_on_overflow"`
	WaitForResult   bool           `mapstructure:"wait_for_result"`
	Batch           map[string]any `mapstructure:"batch"`
}

// DeadLettersConfig is about rows that ClickHouse will never take.
type DeadLettersConfig struct {
	// MaxAge is for how long they are kept.
	MaxAge time.Duration `mapstructure:"max_age"`
}

// ReceiptsConfig says for how long the log remembers requests.
type ReceiptsConfig struct {
	// Stored and Dead are for how long it can be asked what became of a request,
	// after all of it was stored, and after a part of it went to the dead letters.
	Stored time.Duration `mapstructure:"stored"`
	Dead   time.Duration `mapstructure:"dead"`
	// Repeats is for how long a repeated request is recognised.
	Repeats time.Duration `mapstructure:"repeats"`
}

// HintsConfig says where to tell that there is new data.
type HintsConfig struct {
	// RedisURL names the Redis to tell; without it nobody is told.
	RedisURL configopaque.String `mapstructure:"redis_url"`
}

// RetentionDays is for how long rows are kept, in days.
type RetentionDays struct {
	Metrics int `mapstructure:"metrics"`
	Logs    int `mapstructure:"logs"`
	Traces  int `mapstructure:"traces"`
}

const (
	ackSynced = "synced"
	ackStored = "stored"

	defaultConsumers = 10
)

func createDefaultConfig() component.Config {
	return &Config{
		Timeout:      30 * time.Second,
		Ack:          ackSynced,
		NumConsumers: defaultConsumers,
		Batch: BatchConfig{
			MaxRows:  65_536,                 // larger blocks cost ClickHouse little less per row
			MaxBytes: 16 << 20,               // bounds the memory: three batches per signal are in it
			MaxAge:   500 * time.Millisecond, // what a query waits for at most, under little load
		},
		Group: defaultGroup(),
		Waiting: WaitingConfig{
			MaxRequests: 10_000,
			MaxBytes:    256 << 20,
		},
		Retry: RetryConfig{
			InitialInterval: time.Second,
			MaxInterval:     30 * time.Second,
			Jitter:          0.2,
		},
		DeadLetters:  DeadLettersConfig{MaxAge: 48 * time.Hour},
		Receipts:     ReceiptsConfig{Stored: time.Hour, Dead: 48 * time.Hour, Repeats: 5 * time.Minute},
		Retention:    RetentionDays{Metrics: 90, Logs: 30, Traces: 30},
		SeriesMemory: 1_000_000, // about 60 MB when full
	}
}

func defaultGroup() GroupConfig {
	return GroupConfig{
		MaxItems:      65_536,   // bounds the wait of the first request in a group
		MaxBytes:      64 << 20, // of OTLP, about as much again in columns
		ParallelItems: 8_192,    // from here on an insert's fixed cost is small
		ParallelAfter: time.Second,
	}
}

// connection is how to reach ClickHouse, with settings for every statement.
func (c *Config) connection(settings map[string]any) chconn.Config {
	return chconn.Config{
		Endpoint:    string(c.Endpoint),
		Database:    c.Database,
		Username:    c.Username,
		Password:    string(c.Password),
		Timeout:     c.Timeout,
		Connections: c.consumers() + 2, // two more read the schema's version, and look for bad rows
		Compression: c.Compression,
		Settings:    settings,
	}
}
