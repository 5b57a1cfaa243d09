package cache

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const (
	// dialTimeout bounds the making of a connection, TLS included. It goes on while the
	// operation that wanted it has given up, for the next one.
	dialTimeout = time.Second
	// scanStep is how many keys Redis looks at per step of a scan: about 1 ms of its time.
	scanStep = 1000
)

// remote is L2.
type remote struct {
	client   *redis.Client
	sealer   *sealer
	settings *Settings
	breaker  breaker
	logger   *slog.Logger
	instance string // names this cache among those that share L2
	epochs   atomic.Uint64

	errors, skipped, skewed atomic.Int64
}

func newRemote(settings *Settings, options *redis.Options, logger *slog.Logger) (*remote, error) {
	sealer, err := newSealer(settings.Secret)
	if err != nil {
		return nil, err
	}
	own := *options
	own.DialTimeout, own.DialerRetries = dialTimeout, 1
	own.ReadTimeout, own.WriteTimeout, own.PoolTimeout = settings.RedisTimeout, settings.RedisTimeout, settings.RedisTimeout
	own.MaxRetries = -1 // better no answer than a late one
	own.ContextTimeoutEnabled = true
	own.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return &remote{
		client: redis.NewClient(&own), sealer: sealer, settings: settings, logger: logger,
		breaker: breaker{pause: settings.RedisPause}, instance: rand.Text(),
	}, nil
}

// ticket is what a look-up leaves for the store after it.
type ticket struct {
	epoch   string // empty: there is no L2, or none in reach, and it gets nothing
	replace bool   // what is there is no entry
}

func (r *remote) key(k *kind, id string) string { return r.settings.KeyPrefix + k.name + ":" + id }

func (r *remote) epochKey(kind string) string { return r.settings.KeyPrefix + "epoch/" + kind }

func (r *remote) channel() string { return r.settings.KeyPrefix + "invalidations" }

// newEpoch is a word that never was an epoch.
func (r *remote) newEpoch() string { return r.instance + "." + strconv.FormatUint(r.epochs.Add(1), 36) }

// find looks an entry up. Without one the envelope is nil.
func (r *remote) find(ctx context.Context, k *kind, id string) (*envelope, ticket) {
	key := r.key(k, id)
	sent := time.Now()
	var answer []any
	ok := r.do(ctx, "look up", func(ctx context.Context) (err error) {
		answer, err = lookUp.Run(ctx, r.client, []string{key, r.epochKey(k.name)}, r.newEpoch(), k.maxBytes+sealOverhead).Slice()
		if err == nil && len(answer) != 5 {
			err = fmt.Errorf("an answer of %d parts", len(answer))
		}
		return err
	})
	if !ok || r.astray(answer, sent) {
		return nil, ticket{}
	}
	epoch, _ := answer[2].(string)
	length, _ := answer[3].(int64)
	if length == 0 {
		return nil, ticket{epoch: epoch}
	}
	sealed, _ := answer[4].(string)
	e, err := r.sealer.open(key, k.shape, []byte(sealed))
	if err != nil {
		k.rejected[unsealed].Add(1)
		return nil, ticket{epoch: epoch, replace: true}
	}
	return &e, ticket{epoch: epoch}
}

// put stores a value for which find has made the ticket. It is false only when Redis has
// refused it, because of an invalidation since or a later reading.
func (r *remote) put(ctx context.Context, k *kind, id string, t ticket, e envelope) bool {
	key := r.key(k, id)
	sealed, err := r.sealer.seal(key, k.shape, e)
	if err != nil {
		return true
	}
	replace := "0"
	if t.replace {
		replace = "1"
	}
	kept := true
	r.do(ctx, "store", func(ctx context.Context) (err error) {
		kept, err = store.Run(ctx, r.client, []string{key, r.epochKey(k.name)}, t.epoch, sealed, k.l2.Milliseconds(), replace).Bool()
		return err
	})
	return kept
}

// forget begins an epoch of the kind, deletes entries and publishes a notice.
func (r *remote) forget(ctx context.Context, kind string, ids []string, notice string) {
	keys := []string{r.epochKey(kind)}
	for _, id := range ids {
		keys = append(keys, r.settings.KeyPrefix+kind+":"+id)
	}
	r.insist(ctx, "forget", func(ctx context.Context) error {
		return forget.Run(ctx, r.client, keys, r.newEpoch(), r.channel(), notice).Err()
	})
}

// erase deletes the entries whose ids begin with a prefix.
func (r *remote) erase(ctx context.Context, kind, prefix string) {
	deadline := time.Now().Add(r.settings.ScanTimeout)
	pattern := escapeGlob(r.settings.KeyPrefix+kind+":"+prefix) + "*"
	var cursor uint64
	for {
		done := false
		ok := r.insist(ctx, "scan", func(ctx context.Context) error {
			keys, next, err := r.client.Scan(ctx, cursor, pattern, scanStep).Result()
			if err == nil && len(keys) > 0 {
				err = r.client.Unlink(ctx, keys...).Err()
			}
			cursor, done = next, next == 0
			return err
		})
		if !ok || done {
			return
		}
		if time.Now().After(deadline) {
			r.logger.Warn("Entries that nobody may use stay in Redis until they expire: the scan took too long.", "pattern", pattern)
			return
		}
	}
}
