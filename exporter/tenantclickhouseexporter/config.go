package tenantclickhouseexporter

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configtls"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/encode"
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

	// Ack is when a request is answered.
	Ack string `mapstructure:"ack"`
	// NumConsumers is how many groups of a signal may be in flight.
	NumConsumers int           `mapstructure:"num_consumers"`
	Group        GroupConfig   `mapstructure:"group"`
	Waiting      WaitingConfig `mapstructure:"waiting"`
	Retry        RetryConfig   `mapstructure:"retry_on_failure"`
	SendingQueue QueueConfig   `mapstructure:"sending_queue"`
	Retention    RetentionDays `mapstructure:"retention"`
	SeriesMemory int           `mapstructure:"series_memory"`

	_ struct{}
}

// GroupConfig says which requests are inserted together.
type GroupConfig struct {
	// MaxItems and MaxBytes end a group. A larger request is a group of its own.
	MaxItems int `mapstructure:"max_items"`
	MaxBytes int `mapstructure:"max_bytes"`
	// ParallelItems: while an insert is in flight, another is begun only for so many
	// items, or when a request has waited for ParallelAfter. Else they gather.
	ParallelItems int           `mapstructure:"parallel_items"`
	ParallelAfter time.Duration `mapstructure:"parallel_after"`
}

// WaitingConfig bounds what waits for its insert, per signal. What is over it is
// refused with UNAVAILABLE, and clients try again.
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

// QueueConfig are the keys of the Collector's usual sending queue, which this
// exporter does not have.
type QueueConfig struct {
	Enabled      bool          `mapstructure:"enabled"`
	NumConsumers int           `mapstructure:"num_consumers"`
	QueueSize    int           `mapstructure:"queue_size"`
	Storage      *component.ID `mapstructure:"storage"`
}

// RetentionDays is for how long rows are kept, in days.
type RetentionDays struct {
	Metrics int `mapstructure:"metrics"`
	Logs    int `mapstructure:"logs"`
	Traces  int `mapstructure:"traces"`
}

const ackStored = "stored"

func createDefaultConfig() component.Config {
	return &Config{
		Timeout:      30 * time.Second,
		Ack:          ackStored,
		NumConsumers: 10,
		Group: GroupConfig{
			MaxItems:      65_536,   // bounds the wait of the first request in a group
			MaxBytes:      64 << 20, // of OTLP, about as much again in columns
			ParallelItems: 8_192,    // from here on an insert's fixed cost is small
			ParallelAfter: time.Second,
		},
		Waiting: WaitingConfig{
			MaxRequests: 10_000,
			MaxBytes:    256 << 20,
		},
		Retry: RetryConfig{
			InitialInterval: time.Second,
			MaxInterval:     30 * time.Second,
			Jitter:          0.2,
		},
		Retention:    RetentionDays{Metrics: 90, Logs: 30, Traces: 30},
		SeriesMemory: 1_000_000, // about 60 MB when full
	}
}

// Validate joins every fault, each with its key and value.
func (c *Config) Validate() error {
	var errs []error
	if c.Endpoint == "" {
		errs = append(errs, errors.New("endpoint must be set, such as http://127.0.0.1:8123/telemetryflow"))
	} else if err := c.connection(nil).Validate(); err != nil {
		errs = append(errs, err)
	}
	if c.Ack != ackStored {
		errs = append(errs, fmt.Errorf(`ack must be "stored" (got %q): this version answers after the insert and has no log to answer from`, c.Ack))
	}
	for key, value := range map[string]int{
		"num_consumers": c.NumConsumers, "group::max_bytes": c.Group.MaxBytes, "group::parallel_items": c.Group.ParallelItems,
		"waiting::max_requests": c.Waiting.MaxRequests, "waiting::max_bytes": c.Waiting.MaxBytes, "series_memory": c.SeriesMemory,
	} {
		if value < 1 {
			errs = append(errs, fmt.Errorf("%s must be positive (got %d)", key, value))
		}
	}
	for key, value := range map[string]time.Duration{
		"timeout": c.Timeout, "group::parallel_after": c.Group.ParallelAfter,
		"retry_on_failure::initial_interval": c.Retry.InitialInterval, "retry_on_failure::max_interval": c.Retry.MaxInterval,
	} {
		if value <= 0 {
			errs = append(errs, fmt.Errorf("%s must be a positive duration (got %s)", key, value))
		}
	}
	if c.Group.MaxItems < 1 || c.Group.MaxItems > encode.MaxRows {
		errs = append(errs, fmt.Errorf("group::max_items must be between 1 and %d (got %d)", encode.MaxRows, c.Group.MaxItems))
	}
	if c.Retry.Jitter < 0 || c.Retry.Jitter > 1 {
		errs = append(errs, fmt.Errorf("retry_on_failure::jitter must be between 0 and 1 (got %g)", c.Retry.Jitter))
	}
	if c.Retry.MaxAttempts < 0 {
		errs = append(errs, fmt.Errorf("retry_on_failure::max_attempts must not be negative (got %d); 0 is no limit", c.Retry.MaxAttempts))
	}
	return errors.Join(append(errs, c.SendingQueue.validate(), encode.Retention(c.Retention).Validate())...)
}

func (q QueueConfig) validate() error {
	var errs []error
	if q.Enabled {
		errs = append(errs, errors.New("sending_queue::enabled must be false: a request is answered when it is stored, so there is nothing to queue"))
	}
	if q.Storage != nil {
		errs = append(errs, fmt.Errorf("sending_queue::storage must not be set (got %s): a request is answered when it is stored, so there is nothing to keep", q.Storage))
	}
	if q.NumConsumers != 0 {
		errs = append(errs, fmt.Errorf("sending_queue::num_consumers must not be set (got %d): use num_consumers", q.NumConsumers))
	}
	if q.QueueSize != 0 {
		errs = append(errs, fmt.Errorf("sending_queue::queue_size must not be set (got %d): use waiting::max_requests", q.QueueSize))
	}
	return errors.Join(errs...)
}

// connection is how to reach ClickHouse, with settings for every statement.
func (c *Config) connection(settings map[string]any) chconn.Config {
	return chconn.Config{
		Endpoint:    string(c.Endpoint),
		Database:    c.Database,
		Username:    c.Username,
		Password:    string(c.Password),
		Timeout:     c.Timeout,
		Connections: c.NumConsumers + 1, // one more reads the schema's version
		Compression: c.Compression,
		Settings:    settings,
	}
}
