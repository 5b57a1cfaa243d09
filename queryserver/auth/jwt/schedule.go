package jwt

import (
	"cmp"
	"slices"
	"time"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// Plan is what the schedule makes of the keys at one time.
type Plan struct {
	Keys    []queryserver.SigningKey // those that verify, the next one included, by their time
	Signing string                   // the id of the one that signs; "" if there is none
	Expired []string                 // ids of those of which no token can be good
	// Due says that a new key must be made, to be used from UseFrom on, after Previous.
	Due      bool
	UseFrom  time.Time
	Previous string
}

// Plan depends on nothing but its arguments. A key signs from its time until that of
// the next, and verifies for KeepAfter longer, as well as before: another server's
// clock may be ahead.
func (s Schedule) Plan(keys []queryserver.SigningKey, now time.Time) Plan {
	sorted := slices.SortedFunc(slices.Values(keys), func(a, b queryserver.SigningKey) int {
		return cmp.Or(a.UseFrom.Compare(b.UseFrom), cmp.Compare(a.ID, b.ID))
	})
	if len(sorted) == 0 {
		// The first key has nobody to wait for, and must not be in the future of a
		// server whose clock is behind.
		return Plan{Due: true, UseFrom: now.Add(-maxLeeway)}
	}
	plan := Plan{Signing: sorted[0].ID}
	for i, key := range sorted {
		if i+1 < len(sorted) && !now.Before(sorted[i+1].UseFrom.Add(s.KeepAfter)) {
			plan.Expired = append(plan.Expired, key.ID)
			continue
		}
		plan.Keys = append(plan.Keys, key)
		if !key.UseFrom.After(now) {
			plan.Signing = key.ID
		}
	}
	newest := sorted[len(sorted)-1]
	change := newest.UseFrom.Add(s.RotateEvery)
	if now.Before(change.Add(-s.PublishBefore)) {
		return plan
	}
	// After a long stop the change is past. The new key is published first all the same.
	published := now.Add(s.PublishBefore)
	if change.Before(published) {
		change = published
	}
	plan.Due, plan.UseFrom, plan.Previous = true, change, newest.ID
	return plan
}
