package writeaheadlogextension

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/telemetryflow/telemetryflow/extension/writeaheadlogextension/internal/metadata"
	"github.com/telemetryflow/telemetryflow/internal/job"
	"github.com/telemetryflow/telemetryflow/internal/job/jobstore"
)

const (
	// publishInterval is how long other collectors may not know of what happens here.
	publishInterval = time.Second
	// expireInterval is how often old rows are removed.
	expireInterval = time.Minute
	// maxPublish is how many batches are published at once. After an outage there are
	// many, and other collectors should soon know some.
	maxPublish = 5_000
)

// publisher tells PostgreSQL what became of the batches of the registered logs.
type publisher struct {
	logs      *registry
	store     *jobstore.Store
	telemetry *metadata.TelemetryBuilder
	logger    *zap.Logger

	failing bool
	expired time.Time
}

// run publishes until the context ends, and then once more. A new log is published at
// once, so that its first ids are known elsewhere.
func (p *publisher) run(ctx context.Context) {
	ticker := time.NewTicker(publishInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			p.publish(context.WithoutCancel(ctx))
			return
		case <-ticker.C:
			p.publish(ctx)
		case <-p.logs.changed:
			p.publish(ctx)
		}
	}
}

func (p *publisher) publish(ctx context.Context) {
	var err error
	for _, log := range p.logs.toPublish() {
		if err != nil {
			log.published = 0 // PostgreSQL may have lost what it had
			continue
		}
		err = p.publishLog(ctx, log)
	}
	if err == nil && time.Since(p.expired) >= expireInterval && ctx.Err() == nil {
		if err = p.store.Expire(ctx); err == nil {
			p.expired = time.Now()
		}
	}
	if errors.Is(err, context.Canceled) {
		return
	}
	p.complain(err)
}

func (p *publisher) publishLog(ctx context.Context, log *registered) error {
	progress := log.last
	if progress == nil {
		read := log.Progress(log.published)
		progress = &read
	}
	for whole := *progress; ; {
		part := whole
		part.Finished = whole.Finished[:min(len(whole.Finished), maxPublish)]
		whole.Finished = whole.Finished[len(part.Finished):]
		if len(whole.Finished) > 0 {
			part.Oldest = nil // what is before it would be taken for forgotten
		}
		err := p.store.Publish(ctx, log.Secret(), &part)
		p.telemetry.Published(ctx, err)
		if err != nil {
			log.published = 0
			return err
		}
		if len(whole.Finished) == 0 {
			log.published = progress.Next
			if progress == log.last {
				p.logs.told(log)
			}
			return nil
		}
	}
}

// complain says once that other collectors do not learn of what happens here, and
// once that they do again.
func (p *publisher) complain(err error) {
	switch {
	case err != nil && !p.failing:
		p.logger.Warn("What became of requests cannot be published; other collectors cannot answer for this one until it can.", zap.Error(err))
	case err == nil && p.failing:
		p.logger.Info("What became of requests is published again.")
	}
	p.failing = err != nil
}

var _ job.Log = (*registered)(nil)
