package tenantclickhouseexporter

import (
	"errors"
	"fmt"
	"time"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/encode"
)

// Validate joins every fault, each with its key and value.
func (c *Config) Validate() error {
	var errs []error
	if c.Endpoint == "" {
		errs = append(errs, errors.New("endpoint must be set, such as http://127.0.0.1:8123/telemetryflow"))
	} else if err := c.connection(nil).Validate(); err != nil {
		errs = append(errs, err)
	}
	for key, value := range map[string]int{
		"num_consumers": c.NumConsumers, "batch::max_bytes": c.Batch.MaxBytes,
		"group::max_bytes": c.Group.MaxBytes, "group::parallel_items": c.Group.ParallelItems,
		"waiting::max_requests": c.Waiting.MaxRequests, "waiting::max_bytes": c.Waiting.MaxBytes, "series_memory": c.SeriesMemory,
	} {
		if value < 1 {
			errs = append(errs, fmt.Errorf("%s must be positive (got %d)", key, value))
		}
	}
	for key, value := range map[string]time.Duration{
		"timeout": c.Timeout, "batch::max_age": c.Batch.MaxAge, "group::parallel_after": c.Group.ParallelAfter,
		"retry_on_failure::initial_interval": c.Retry.InitialInterval, "retry_on_failure::max_interval": c.Retry.MaxInterval,
		"dead_letters::max_age": c.DeadLetters.MaxAge, "receipts::stored": c.Receipts.Stored, "receipts::dead": c.Receipts.Dead,
	} {
		if value <= 0 {
			errs = append(errs, fmt.Errorf("%s must be a positive duration (got %s)", key, value))
		}
	}
	for key, value := range map[string]int{"batch::max_rows": c.Batch.MaxRows, "group::max_items": c.Group.MaxItems} {
		if value < 1 || value > encode.MaxRows {
			errs = append(errs, fmt.Errorf("%s must be between 1 and %d (got %d)", key, encode.MaxRows, value))
		}
	}
	return errors.Join(append(errs, c.Retry.validate(), c.validateAck(), c.SendingQueue.validate(),
		c.validateRest(), encode.Retention(c.Retention).Validate())...)
}

func (c RetryConfig) validate() error {
	var errs []error
	if c.Jitter < 0 || c.Jitter > 1 {
		errs = append(errs, fmt.Errorf("retry_on_failure::jitter must be between 0 and 1 (got %g)", c.Jitter))
	}
	if c.MaxAttempts < 0 {
		errs = append(errs, fmt.Errorf("retry_on_failure::max_attempts must not be negative (got %d); 0 is no limit", c.MaxAttempts))
	}
	return errors.Join(errs...)
}

// validateAck refuses what has no meaning with the chosen answer.
func (c *Config) validateAck() error {
	var errs []error
	enabled := c.SendingQueue.Enabled
	switch c.Ack {
	case ackSynced:
		if c.SendingQueue.Storage == nil {
			errs = append(errs, errors.New("sending_queue::storage must be set: the id of a write_ahead_log extension, from which requests are answered; "+
				"a collector without a disk sets ack: stored"))
		}
		if enabled != nil && !*enabled {
			errs = append(errs, errors.New("sending_queue::enabled must not be false with ack: synced: set ack: stored to answer after the insert, without a log"))
		}
		if c.Group != defaultGroup() {
			errs = append(errs, errors.New("group is for ack: stored: set batch instead"))
		}
	case ackStored:
		if c.SendingQueue.Storage != nil {
			errs = append(errs, fmt.Errorf("sending_queue::storage must not be set with ack: stored (got %s): there is nothing to keep", c.SendingQueue.Storage))
		}
		if enabled != nil && *enabled {
			errs = append(errs, errors.New("sending_queue::enabled must not be true with ack: stored: there is nothing to queue"))
		}
		if d := createDefaultConfig().(*Config); c.Batch != d.Batch || c.DeadLetters != d.DeadLetters || c.Receipts != d.Receipts {
			errs = append(errs, errors.New("batch, dead_letters and receipts are for ack: synced: ack: stored has group, and keeps nothing"))
		}
	default:
		errs = append(errs, fmt.Errorf(`ack must be "synced", to answer from the log, or "stored", to answer after the insert (got %q)`, c.Ack))
	}
	return errors.Join(errs...)
}

func (c *Config) validateRest() error {
	if q := c.SendingQueue.NumConsumers; q > 0 && q != c.NumConsumers && c.NumConsumers != defaultConsumers {
		return fmt.Errorf("num_consumers (%d) and sending_queue::num_consumers (%d) are one setting: set one of them", c.NumConsumers, q)
	}
	if c.Receipts.Repeats < 0 {
		return fmt.Errorf("receipts::repeats must not be negative (got %s); 0 recognises no repetition", c.Receipts.Repeats)
	}
	return nil
}

func (q QueueConfig) validate() error {
	var errs []error
	refuse := func(set bool, key, instead string) {
		if set {
			errs = append(errs, fmt.Errorf("sending_queue::%s must not be set: %s", key, instead))
		}
	}
	if q.NumConsumers < 0 {
		errs = append(errs, fmt.Errorf("sending_queue::num_consumers must be positive (got %d)", q.NumConsumers))
	}
	refuse(q.QueueSize != 0, "queue_size", "the log is bounded by max_size of the write_ahead_log extension, in bytes, and what waits for it by waiting")
	refuse(q.Sizer != "", "sizer", "the log is bounded in bytes, by max_size of the write_ahead_log extension")
	refuse(q.BlockOnOverflow, "block_on_overflow", "a full log refuses, so that clients send again")
	refuse(q.WaitForResult, "wait_for_result", "use ack: stored")
	refuse(q.Batch != nil, "batch", "use batch")
	return errors.Join(errs...)
}

// consumers is num_consumers, or what the usual key says.
func (c *Config) consumers() int {
	if c.SendingQueue.NumConsumers > 0 {
		return c.SendingQueue.NumConsumers
	}
	return c.NumConsumers
}
