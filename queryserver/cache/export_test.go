package cache

import "github.com/telemetryflow/telemetryflow/internal/tenant"

// Waiting is how many callers await the flight for a value.
func (v *View[T]) Waiting(owner tenant.ID, id string) int {
	v.flights.Lock()
	defer v.flights.Unlock()
	if f := v.flights.under[wanted{owner: owner, id: id}]; f != nil {
		return f.waiting
	}
	return 0
}

// Settle lets L1 do its house-keeping now.
func (c *Cache) Settle() { c.local.entries.CleanUp() }
