package writeaheadlogextension

import (
	"context"
	"errors"
	"slices"
	"sync"

	"go.uber.org/zap"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/job"
	"github.com/telemetryflow/telemetryflow/internal/receipt"
)

// registry holds the logs of this collector.
type registry struct {
	changed chan struct{} // of one place: a log was added
	mu      sync.Mutex
	logs    []*registered
	left    []*registered // closed, with something to publish
}

// registered is a log and how far it is published. Only the publisher changes that.
type registered struct {
	job.Log
	published uint64
	last      *job.Progress // of a log that is closed
}

func (r *registry) add(log job.Log) *registered {
	r.mu.Lock()
	defer r.mu.Unlock()
	one := &registered{Log: log}
	r.logs = append(r.logs, one)
	select {
	case r.changed <- struct{}{}:
	default:
	}
	return one
}

// remove keeps what a log says at its end, if that is to be published.
func (r *registry) remove(one *registered, publish bool) {
	last := one.Progress(0)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.logs = slices.DeleteFunc(slices.Clone(r.logs), func(other *registered) bool { return other == one })
	if publish {
		r.left = append(r.left, &registered{Log: one.Log, last: &last})
	}
}

func (r *registry) all() []*registered {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.logs // never changed in place but by append
}

// toPublish lists the logs, and before them those that were removed.
func (r *registry) toPublish() []*registered {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Concat(r.left, r.logs)
}

// told forgets a removed log, of which everything is published.
func (r *registry) told(one *registered) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left = slices.DeleteFunc(r.left, func(other *registered) bool { return other == one })
}

// Register adds a log. When it is removed, its last progress is still published.
func (e *logExtension) Register(log job.Log) (remove func()) {
	one := e.logs.add(log)
	return func() { e.logs.remove(one, e.store != nil) }
}

// Find asks the logs that prove the claim, and then PostgreSQL: a copy of a log knows
// the secret, but not what its original did later.
func (e *logExtension) Find(ctx context.Context, c *job.Claim) (job.Outcome, error) {
	for _, log := range e.logs.all() {
		if !c.ProvenBy(log.Secret()) {
			continue
		}
		if outcome, known := log.Find(c.Place); known {
			return outcome, nil
		}
		if c.Writer == log.Writer() {
			return job.Outcome{}, job.ErrUnknown
		}
	}
	if e.store == nil {
		return job.Outcome{}, job.ErrUnknown
	}
	outcome, err := e.store.Find(ctx, c)
	if err != nil && !errors.Is(err, job.ErrUnknown) {
		e.settings.Logger.Debug("A job cannot be looked up", zap.Error(err))
		return job.Outcome{}, job.ErrUnavailable
	}
	return outcome, err
}

// Accounts lists the accounts of a key, of all logs.
func (e *logExtension) Accounts(key apikey.ID) (all []job.Account) {
	for _, log := range e.logs.all() {
		all = append(all, log.Accounts(key)...)
	}
	return all
}

// Recall asks Redis for what another collector has answered.
func (e *logExtension) Recall(ctx context.Context, r job.Repeat) (receipt.Answer, bool, error) {
	return e.repeats.recall(ctx, r)
}

// Remember tells other collectors of an answer, by and by.
func (e *logExtension) Remember(r job.Repeat, answer receipt.Answer) { e.repeats.remember(r, answer) }
