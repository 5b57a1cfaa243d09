package writeaheadlogextension

import (
	"errors"
	"fmt"
)

// Config is the extension's configuration. The README says what each key is for.
type Config struct {
	// Directory holds a folder per component.
	Directory string `mapstructure:"directory"`
	// SegmentSize, MaxSize and MinFreeSpace are in bytes. MaxSize is per component.
	SegmentSize  int64 `mapstructure:"segment_size"`
	MaxSize      int64 `mapstructure:"max_size"`
	MinFreeSpace int64 `mapstructure:"min_free_space"`

	_ struct{}
}

const (
	defaultSegmentSize  = 64 << 20 // what is removed at once; 1,000 batches of one client, or a few seconds at full load
	defaultMaxSize      = 8 << 30  // half an hour of 10,000 spans a second without ClickHouse
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
	return errors.Join(errs...)
}
