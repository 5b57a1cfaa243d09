package tenantclickhouseexporter

import (
	"go.opentelemetry.io/collector/component"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/spool"
	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/job"
	"github.com/telemetryflow/telemetryflow/internal/receipt"
)

// register makes the log known to those who ask what became of requests.
func (l *logged) register(extension component.Component) {
	l.leave = func() {}
	if directory, ok := extension.(job.Directory); ok {
		l.jobs = directory
		l.leave = directory.Register(&jobLog{l})
	}
}

// recall looks whether another collector has answered the request. What this one has
// answered, the log says itself.
func (l *logged) recall(r *spool.Request) (answer receipt.Answer, found bool) {
	if l.jobs == nil || r.Identity == (spool.Identity{}) || l.spool.Knows(r.Identity) {
		return receipt.Answer{}, false
	}
	answer, found, err := l.jobs.Recall(r.Context, l.repeat(r))
	if err != nil || !found {
		return receipt.Answer{}, false // it is stored, perhaps once more
	}
	l.telemetry.repeated(r.Context, "other")
	return answer, true
}

func (l *logged) repeat(r *spool.Request) job.Repeat {
	return job.Repeat{
		Exporter: l.id.String() + "/" + l.signal.String(),
		Identity: receipt.Identity(r.Identity), Window: l.config.Receipts.Repeats,
	}
}

// answer is what the client is told of a request that is on disk.
func (l *logged) answer(r *spool.Request, of spool.Kept) kept {
	id := job.Job{
		Place: placeOf(of.Place), Signal: l.signal, Key: apikey.ID(r.Key),
		Accepted: of.Items, Rejected: of.Rejected, At: of.At,
	}
	answer := receipt.Answer{ID: id.ID(job.Secret(l.spool.Secret())), Rejected: of.Rejected, Message: of.Message}
	switch {
	case of.Again:
		l.telemetry.repeated(r.Context, "own")
	case l.jobs != nil && r.Identity != (spool.Identity{}):
		l.jobs.Remember(l.repeat(r), answer)
	}
	return kept{answer, of.Again}
}

func placeOf(p spool.Place) job.Place {
	return job.Place{Writer: p.Batch.Writer, Batch: p.Batch.Number, Request: p.Request}
}

// jobLog is the log as a directory asks it.
type jobLog struct{ *logged }

var _ job.Log = (*jobLog)(nil)

// Secret proves that an id is of this log.
func (l *jobLog) Secret() job.Secret { return job.Secret(l.spool.Secret()) }

// Writer names the present opening of the log.
func (l *jobLog) Writer() job.Writer { return l.spool.Writer() }

// Find says what became of a request.
func (l *jobLog) Find(p job.Place) (job.Outcome, bool) {
	status, dead := l.spool.Find(spool.Place{Batch: spool.ID{Writer: p.Writer, Number: p.Batch}, Request: p.Request})
	return job.Outcome{Finished: status == spool.Done, Dead: dead}, status != spool.Unknown
}

// Accounts lists the accounts of a key.
func (l *jobLog) Accounts(key apikey.ID) (all []job.Account) {
	refused := l.refused.of(spool.KeyID(key))
	add := func(v spool.AccountView) {
		all = append(all, job.Account{
			Owner: v.Owner, Signal: l.signal,
			Accepted: v.Accepted, Stored: v.Stored, Queued: v.Queued, Dead: v.Dead, Filtered: v.Filtered,
			Refused: refused[v.Account], Oldest: v.Oldest,
		})
		delete(refused, v.Account)
	}
	for _, v := range l.spool.Accounts() {
		if v.Key == spool.KeyID(key) {
			add(v)
		}
	}
	for account := range refused { // of which nothing was ever accepted
		add(spool.AccountView{Account: account})
	}
	return all
}

// Progress is what others must know to answer for this log.
func (l *jobLog) Progress(since uint64) job.Progress {
	p := l.spool.Progress(since)
	progress := job.Progress{Oldest: make(map[job.Writer]uint64, len(p.Oldest)), Next: p.Next}
	for writer, oldest := range p.Oldest {
		progress.Oldest[writer] = oldest
	}
	for _, f := range p.Finished {
		one := job.Finished{Writer: f.Writer, Batch: f.Number, Expires: f.Expires, Dead: make(map[uint64]int, len(f.Dead))}
		for _, d := range f.Dead {
			one.Dead[d.Request] += d.Items
		}
		progress.Finished = append(progress.Finished, one)
	}
	return progress
}
