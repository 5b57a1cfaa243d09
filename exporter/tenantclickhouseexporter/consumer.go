package tenantclickhouseexporter

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/encode"
	"github.com/telemetryflow/telemetryflow/internal/chconn"
)

// consumer stores one group after another.
type consumer struct {
	*direct
	encoder *encode.Encoder
}

func newConsumer(d *direct) *consumer {
	return &consumer{direct: d, encoder: d.newEncoder()}
}

func (c *consumer) run(ctx context.Context) {
	var group []*request
	for {
		group = c.line.take(group)
		if len(group) == 0 {
			return
		}
		c.telemetry.GroupRequests.Record(ctx, int64(len(group)), c.telemetry.signal)
		c.storeGroup(ctx, group)
		c.line.release(group)
		clear(group)
	}
}

// storeGroup stores a group and answers each of its requests.
func (c *consumer) storeGroup(ctx context.Context, group []*request) {
	for {
		present := group[:0:0]
		for _, r := range group {
			if !r.left() {
				present = append(present, r)
			}
		}
		if len(present) == 0 {
			return // nobody waits, and nothing was begun
		}
		outcome := c.deliverGroup(ctx, present)
		if outcome == regroup {
			group = present
			continue
		}
		for _, r := range present {
			switch {
			case r.refused != nil:
				r.done <- r.refused
			case outcome == gaveUp:
				r.done <- errNotStoredYet()
			default:
				r.done <- nil
			}
		}
		return
	}
}

// outcome is what became of a group.
type outcome int

const (
	stored  outcome = iota
	gaveUp          // no attempt is left, or nobody waits
	regroup         // nothing was begun and somebody left: try again without them
)

func (c *consumer) deliverGroup(ctx context.Context, group []*request) outcome {
	units := c.encode(c.encoder, group)
	begun := false
	for _, u := range units {
		if result := c.deliver(ctx, u, group, &begun); result != stored {
			return result
		}
	}
	c.encoder.Commit()
	return stored
}

// encode makes the statements of a group. A request that cannot be encoded is
// refused alone.
func (c *consumer) encode(encoder *encode.Encoder, group []*request) []*unit {
	batch := c.batches.Add(1)
	encoder.Reset(batch)
	for _, r := range group {
		if r.refused != nil {
			continue
		}
		if err := r.add(encoder); err != nil {
			r.refused = errUnstamped()
			c.logger.Error("Refused a request", zap.Error(err))
		}
	}
	return unitsOf(encoder.Blocks(), fmt.Sprintf("%s/%d", c.instance, batch))
}

// deliver stores a unit, however often it must be tried. Begun becomes true once
// ClickHouse may have stored anything of the group, after which its bytes are fixed.
func (c *consumer) deliver(ctx context.Context, u *unit, group []*request, begun *bool) outcome {
	for attempt := 1; ; attempt++ {
		err := c.attempt(ctx, u)
		if err == nil {
			*begun = true
			return stored
		}
		*begun = *begun || u.begun() || outcomeUnknown(err)
		switch chconn.Classify(err) {
		case chconn.Permanent:
			c.isolate(ctx, u, group, err)
			return stored
		case chconn.Mismatch:
			c.inserter.schema.doubt()
			c.logger.Error("ClickHouse does not have what the insert needs; its rows wait",
				zap.String("table", u.table), zap.String("error", chconn.Describe(err)), zap.Int("attempt", attempt))
		default:
			c.logger.Warn("Could not insert; its rows wait",
				zap.String("table", u.table), zap.String("error", chconn.Describe(err)), zap.Int("attempt", attempt))
		}
		if c.config.Retry.exhausted(attempt) {
			return gaveUp
		}
		await(ctx, c.config.Retry.delay(attempt), group)
		left := 0
		for _, r := range group {
			if r.left() {
				left++
			}
		}
		if left == len(group) || ctx.Err() != nil {
			return gaveUp
		}
		if left > 0 && !*begun {
			return regroup
		}
	}
}

// outcomeUnknown reports whether ClickHouse may have stored what failed.
func outcomeUnknown(err error) bool {
	return !errors.As(err, &heldBackError{}) && chconn.OutcomeUnknown(err)
}

// attempt sends what is not stored yet of a unit.
func (c *consumer) attempt(ctx context.Context, u *unit) error {
	for _, one := range u.inserts {
		if one.stored {
			continue
		}
		if err := c.inserter.send(ctx, one.Insert); err != nil {
			return err
		}
		one.stored = true
	}
	return nil
}

// isolate finds the requests whose rows ClickHouse will never take, by storing
// halves of the group; the others' rows are stored.
func (c *consumer) isolate(ctx context.Context, u *unit, group []*request, cause error) {
	if len(group) == 1 || u.begun() {
		for _, r := range group {
			r.refused = errRefused()
		}
		c.logger.Error("ClickHouse refused rows for good", zap.String("table", u.table),
			zap.Int("requests", len(group)), zap.String("error", chconn.Describe(cause)))
		return
	}
	middle := len(group) / 2
	for _, half := range [][]*request{group[:middle], group[middle:]} {
		for _, part := range c.encode(c.newEncoder(), half) {
			if part.table != u.table {
				continue // stored with the group, or about to be
			}
			begun := true // the group's other tables may be stored
			if c.deliver(ctx, part, half, &begun) != stored {
				for _, r := range half {
					r.refused = errNotStoredYet()
				}
			}
		}
	}
}
