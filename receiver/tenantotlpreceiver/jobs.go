package tenantotlpreceiver

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"go.opentelemetry.io/collector/component"

	"github.com/telemetryflow/telemetryflow/internal/job"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// directories are the extensions that know logs, mostly one.
type directories []job.Directory

func directoriesOf(host component.Host) (found directories) {
	for _, extension := range host.GetExtensions() {
		if directory, ok := extension.(job.Directory); ok {
			found = append(found, directory)
		}
	}
	return found
}

// jobAnswer is what became of a request.
type jobAnswer struct {
	JobID      string    `json:"jobId"`
	Signal     string    `json:"signal"`
	Status     string    `json:"status"` // accepted, stored, or dead when any item is
	Accepted   int       `json:"accepted"`
	Stored     int       `json:"stored"`
	Dead       int       `json:"dead"`
	Rejected   int       `json:"rejected"`
	AcceptedAt time.Time `json:"acceptedAt"`
}

// job answers what became of the request of an id. Who may not know it learns as
// little as one who invents an id.
func (d directories) job(ctx context.Context, id string) (any, *refusal) {
	claim, err := job.Parse(id)
	key, known := keyOf(ctx)
	if err != nil || !known || claim.Key != key {
		return nil, unknownJob()
	}
	unavailable := false
	for _, directory := range d {
		outcome, err := directory.Find(ctx, claim)
		if err == nil {
			return answerOf(id, claim, outcome), nil
		}
		unavailable = unavailable || !errors.Is(err, job.ErrUnknown)
	}
	if unavailable {
		return nil, jobsUnavailable()
	}
	return nil, unknownJob()
}

func answerOf(id string, of *job.Claim, outcome job.Outcome) jobAnswer {
	a := jobAnswer{
		JobID: id, Signal: of.Signal.String(), Status: "accepted",
		Accepted: of.Accepted, Rejected: of.Rejected, AcceptedAt: of.At,
	}
	if outcome.Finished {
		a.Dead = min(outcome.Dead, a.Accepted)
		a.Stored = a.Accepted - a.Dead
		a.Status = "stored"
	}
	if a.Dead > 0 {
		a.Status = "dead"
	}
	return a
}

// ledgerAnswer is what a key has sent to this collector.
type ledgerAnswer struct {
	Accounts []accountAnswer `json:"accounts"`
}

// accountAnswer is what a key has sent to a tenant: accepted = stored + queued + dead
// + filtered.
type accountAnswer struct {
	Workspace tenant.ID         `json:"workspaceId"`
	Tenant    tenant.ID         `json:"tenantId"`
	Signal    string            `json:"signal"`
	Accepted  uint64            `json:"accepted"`
	Refused   map[string]uint64 `json:"refused"` // by reason
	Stored    uint64            `json:"stored"`
	Queued    uint64            `json:"queued"`
	Dead      uint64            `json:"dead"`
	Filtered  uint64            `json:"filtered"`
	Age       float64           `json:"ageOfOldestSeconds"` // of what is queued
}

// ledger answers what the key has sent, by tenant and signal.
func (d directories) ledger(ctx context.Context, _ string) (any, *refusal) {
	answer := ledgerAnswer{Accounts: []accountAnswer{}}
	key, known := keyOf(ctx)
	if !known {
		return answer, nil
	}
	now := time.Now()
	for _, directory := range d {
		for _, account := range directory.Accounts(key) {
			answer.add(&account, now)
		}
	}
	slices.SortFunc(answer.Accounts, func(a, b accountAnswer) int {
		return cmp.Or(slices.Compare(a.Workspace[:], b.Workspace[:]), slices.Compare(a.Tenant[:], b.Tenant[:]), cmp.Compare(a.Signal, b.Signal))
	})
	return answer, nil
}

// add sums up the accounts of several logs.
func (l *ledgerAnswer) add(from *job.Account, now time.Time) {
	at := slices.IndexFunc(l.Accounts, func(a accountAnswer) bool {
		return a.Workspace == from.Owner.Workspace && a.Tenant == from.Owner.Tenant && a.Signal == from.Signal.String()
	})
	if at < 0 {
		at = len(l.Accounts)
		l.Accounts = append(l.Accounts, accountAnswer{
			Workspace: from.Owner.Workspace, Tenant: from.Owner.Tenant, Signal: from.Signal.String(), Refused: map[string]uint64{},
		})
	}
	a := &l.Accounts[at]
	a.Accepted += from.Accepted
	a.Stored += from.Stored
	a.Queued += from.Queued
	a.Dead += from.Dead
	a.Filtered += from.Filtered
	for reason, items := range from.Refused {
		a.Refused[reason] += items
	}
	if !from.Oldest.IsZero() {
		a.Age = max(a.Age, now.Sub(from.Oldest).Seconds())
	}
}
