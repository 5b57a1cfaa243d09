package cache

import (
	"context"
	"encoding/json"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// hint is what a collector tells of a batch that it has stored: on the channel
// <signal>:new, and without a promise. A forged one makes the cache slower.
type hint struct {
	Tenant  tenant.ID          `json:"tenantId"`
	Signal  queryserver.Signal `json:"signal"`
	MinTime time.Time          `json:"minTime"`
	MaxTime time.Time          `json:"maxTime"`
}

// maxHintRange bounds what one hint makes old hour by hour.
const maxHintRange = 400 * 24 * time.Hour

// Follow hears of new data from the collectors until the cache is closed. Without Redis
// nothing is heard, and answers live as long as their kinds say.
func (t *Telemetry) Follow() {
	if t.cache.remote != nil {
		t.cache.spawn(func() { t.listen(t.cache.lifetime) })
	}
}

func (t *Telemetry) listen(ctx context.Context) {
	subscription := t.cache.remote.client.Subscribe(ctx,
		string(queryserver.Metrics)+":new", string(queryserver.Logs)+":new", string(queryserver.Traces)+":new")
	defer subscription.Close()
	messages := subscription.ChannelWithSubscriptions(redis.WithChannelHealthCheckInterval(healthCheck))
	for {
		select {
		case <-ctx.Done():
			return
		case message, open := <-messages:
			if !open {
				return
			}
			t.take(message)
		}
	}
}

func (t *Telemetry) take(message any) {
	switch message := message.(type) {
	case *redis.Subscription:
		t.Missed() // whatever was said before is lost
	case *redis.Message:
		var h hint
		if json.Unmarshal([]byte(message.Payload), &h) != nil || h.MaxTime.Before(h.MinTime) || h.MaxTime.Sub(h.MinTime) > maxHintRange {
			t.Missed()
			return
		}
		t.Heard(h.Tenant, h.Signal, queryserver.TimeRange{From: h.MinTime, To: h.MaxTime})
	}
}
