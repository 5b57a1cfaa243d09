package cache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/metric"
)

// Cache is both levels, for values of all kinds.
type Cache struct {
	settings Settings
	logger   *slog.Logger
	now      func() time.Time
	local    *local
	remote   *remote // nil without Redis

	kinds map[string]*kind // written before use
	mu    sync.RWMutex     // of kinds and of closed

	lifetime context.Context //nolint:containedctx // it is the cache's own: loads end with it
	stop     context.CancelFunc
	closed   bool
	running  sync.WaitGroup
	metrics  metric.Registration
}

// New makes a cache. The options say where Redis is; nil is nowhere, and the cache is L1
// alone. It makes its own connections, because their time limits are its own, and waits
// up to a second to hear what other instances publish. Redis need not be there.
func New(settings Settings, options *redis.Options, logger *slog.Logger, meter metric.Meter) (*Cache, error) {
	if err := settings.Validate(options != nil); err != nil {
		return nil, err
	}
	c := &Cache{settings: settings, logger: logger, now: settings.Now, kinds: make(map[string]*kind)}
	if c.now == nil {
		c.now = time.Now
	}
	var err error
	if c.local, err = newLocal(&settings, logger); err != nil {
		return nil, err
	}
	if options != nil {
		if c.remote, err = newRemote(&c.settings, options, logger); err != nil {
			c.local.close()
			return nil, err
		}
	}
	c.lifetime, c.stop = context.WithCancel(context.Background())
	if c.metrics, err = c.observe(meter); err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("meter the cache: %w", err)
	}
	if c.remote != nil {
		heard := make(chan struct{})
		c.spawn(func() { c.listen(c.lifetime, heard) })
		select {
		case <-heard:
		case <-time.After(dialTimeout):
		}
	}
	return c, nil
}

// Close ends loads under way and the connections. Get then answers Unavailable unless L1
// has the value. It may be called again.
func (c *Cache) Close() error {
	c.mu.Lock()
	again := c.closed
	c.closed = true
	c.mu.Unlock()
	if again {
		return nil
	}
	c.stop()
	c.running.Wait()
	c.local.close()
	var errs []error
	if c.metrics != nil {
		errs = append(errs, c.metrics.Unregister())
	}
	if c.remote != nil {
		errs = append(errs, c.remote.client.Close())
	}
	return errors.Join(errs...)
}

// spawn runs something that Close awaits. It is false after Close.
func (c *Cache) spawn(run func()) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.closed {
		return false
	}
	c.running.Go(run)
	return true
}

func (c *Cache) declare(k *kind) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kinds[k.name] != nil {
		panic(fmt.Sprintf("cache: the kind %q is declared twice", k.name))
	}
	c.kinds[k.name] = k
}

func (c *Cache) kind(name string) *kind {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.kinds[name]
}
