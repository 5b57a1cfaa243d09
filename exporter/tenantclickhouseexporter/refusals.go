package tenantclickhouseexporter

import (
	"maps"
	"sync"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/spool"
)

// refusals counts what was given back to clients since the start, by account and
// reason. The accounts are of keys that were verified, so they are not without end.
type refusals struct {
	mu sync.Mutex
	by map[spool.Account]map[string]uint64
}

func (r *refusals) add(account spool.Account, reason string, items int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	reasons := r.by[account]
	if reasons == nil {
		reasons = make(map[string]uint64)
		r.by[account] = reasons
	}
	reasons[reason] += uint64(items)
}

// of returns the counts of a key's accounts.
func (r *refusals) of(key spool.KeyID) map[spool.Account]map[string]uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	found := make(map[spool.Account]map[string]uint64)
	for account, reasons := range r.by {
		if account.Key == key {
			found[account] = maps.Clone(reasons)
		}
	}
	return found
}
