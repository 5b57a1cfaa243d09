package verify

import (
	"context"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
)

// recordUses stores the last use of the keys that were used in the last two
// rounds of housekeeping; storing one twice changes nothing.
func (e *Engine) recordUses(ctx context.Context) {
	since := time.Now().Add(-2 * housekeeping).Unix()
	uses := make(map[apikey.ID]time.Time)
	e.keys.each(func(k *key) bool {
		if used := k.usedAt.Load(); used > since {
			uses[k.id] = time.Unix(used, 0)
		}
		return true
	})
	if len(uses) == 0 {
		return
	}
	if err := e.store.RecordUse(ctx, uses); err != nil {
		e.storeFailed("record use", err)
	}
}
