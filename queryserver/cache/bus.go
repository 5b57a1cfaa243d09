package cache

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

const (
	// maxNotice bounds the ids of one notice, and with them the time of one script.
	maxNotice = 500
	// healthCheck is how often a silent subscription is tried, so that one that died
	// without a sign is made anew.
	healthCheck = time.Second
)

// notice is what one instance tells the others: values of a kind that are to be forgotten.
// A forged one makes the cache slower and nothing else, so it is not sealed.
type notice struct {
	From     string    `json:"from"`
	Kind     string    `json:"kind"`
	IDs      []string  `json:"ids,omitempty"`
	Prefixes []string  `json:"prefixes,omitempty"` // the empty one is all of the kind
	Owner    tenant.ID `json:"owner,omitzero"`
}

func (n notice) targets() []target {
	var targets []target
	for _, id := range n.IDs {
		targets = append(targets, target{name: id})
	}
	for _, prefix := range n.Prefixes {
		targets = append(targets, target{name: prefix})
	}
	if !n.Owner.IsZero() {
		targets = append(targets, target{owner: n.Owner})
	}
	return targets
}

// listen applies what other instances publish until the context ends. It closes heard
// once it is subscribed.
func (c *Cache) listen(ctx context.Context, heard chan<- struct{}) {
	subscription := c.remote.client.Subscribe(ctx, c.remote.channel())
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
			c.hear(message)
			if heard != nil {
				close(heard)
				heard = nil
			}
		}
	}
}

func (c *Cache) hear(message any) {
	switch message := message.(type) {
	case *redis.Subscription:
		// Whatever was published before is lost, and with it the sign to drop it here.
		c.dropLocal()
	case *redis.Message:
		var n notice
		if err := json.Unmarshal([]byte(message.Payload), &n); err != nil {
			c.logger.Warn("A notice of the cache cannot be read.", "error", err)
			return
		}
		if k := c.kind(n.Kind); k != nil && n.From != c.remote.instance {
			c.mark(k, n.targets())
		}
	}
}

// publish tells the others, after this instance has forgotten.
func (c *Cache) publish(ctx context.Context, n notice) {
	if c.remote == nil {
		return
	}
	n.From = c.remote.instance
	text, err := json.Marshal(n)
	if err != nil {
		c.logger.ErrorContext(ctx, "A notice of the cache cannot be written.", "error", err)
		return
	}
	c.remote.forget(ctx, n.Kind, n.IDs, string(text))
}

// escapeGlob makes a text match itself in a pattern of Redis.
func escapeGlob(text string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`, `^`, `\^`, `-`, `\-`).Replace(text)
}
