package writeaheadlogextension

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/internal/redisurl"
)

// Config is the extension's configuration. The README says what each key is for.
type Config struct {
	// Directory holds a folder per component.
	Directory string `mapstructure:"directory"`
	// SegmentSize, MaxSize and MinFreeSpace are in bytes. MaxSize is per component.
	SegmentSize  int64 `mapstructure:"segment_size"`
	MaxSize      int64 `mapstructure:"max_size"`
	MinFreeSpace int64 `mapstructure:"min_free_space"`
	// Postgres is where collectors publish what became of requests, for each other.
	Postgres PostgresConfig `mapstructure:"postgres"`
	// Redis is where collectors tell each other of requests that may be repeated.
	Redis RedisConfig `mapstructure:"redis"`

	_ struct{}
}

// PostgresConfig is the database of the metadata. Without a URL a collector answers
// for its own logs only.
type PostgresConfig struct {
	URL configopaque.String `mapstructure:"url"`
	// Timeout of one look-up or publication.
	Timeout time.Duration `mapstructure:"timeout"`
}

// RedisConfig is optional: without a URL a collector recognises repetitions of what it
// has answered itself.
type RedisConfig struct {
	URL configopaque.String `mapstructure:"url"`
	// Timeout of a look-up, which a request waits for.
	Timeout time.Duration `mapstructure:"timeout"`
}

const (
	defaultSegmentSize  = 64 << 20 // space is given back in such pieces: small against max_size, large against a record
	defaultMaxSize      = 8 << 30  // for an outage of ClickHouse that somebody has to notice first
	defaultMinFreeSpace = 1 << 30  // for everything else on the disk
	leastSegmentSize    = 1 << 20  // smaller ones cost more in files than they hold
)

// Validate joins every fault, each with its key and value.
func (c *Config) Validate() error {
	var errs []error
	if c.Directory == "" {
		errs = append(errs, errors.New("directory must be set: a folder on a disk that outlives the process, such as /var/lib/telemetryflow/log"))
	}
	if c.SegmentSize < leastSegmentSize {
		errs = append(errs, fmt.Errorf("segment_size must be at least %d bytes (got %d)", leastSegmentSize, c.SegmentSize))
	}
	if c.MaxSize < 4*c.SegmentSize {
		errs = append(errs, fmt.Errorf("max_size must be at least four times segment_size, which is %d bytes (got %d)", c.SegmentSize, c.MaxSize))
	}
	if c.MinFreeSpace < 0 {
		errs = append(errs, fmt.Errorf("min_free_space must not be negative (got %d)", c.MinFreeSpace))
	}
	return errors.Join(append(errs, c.Postgres.validate(), c.Redis.validate())...)
}

func (c *PostgresConfig) validate() error {
	if c.URL == "" {
		return nil
	}
	if err := postgres.CheckURL(string(c.URL)); err != nil {
		return fmt.Errorf("postgres::url: %w", err)
	}
	if c.Timeout <= 0 {
		return fmt.Errorf("postgres::timeout must be a positive duration (got %s)", c.Timeout)
	}
	return nil
}

func (c *RedisConfig) validate() error {
	if c.URL == "" {
		return nil
	}
	if _, err := redisurl.Parse(string(c.URL)); err != nil {
		return fmt.Errorf("redis::url: %w", err)
	}
	if c.Timeout <= 0 {
		return fmt.Errorf("redis::timeout must be a positive duration (got %s)", c.Timeout)
	}
	return nil
}
