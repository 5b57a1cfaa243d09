package main

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/apikey/keystore"
	"github.com/telemetryflow/telemetryflow/internal/apikey/limit"
	"github.com/telemetryflow/telemetryflow/internal/apikey/verify"
	"github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// keyring proves API keys as collectors do, beside whom it reads what lies in Redis and
// counts against the keys' limits.
type keyring struct {
	engine *verify.Engine
	lessor *limit.Lessor
	redis  *redis.Client // nil: none
}

// The limits are those of the collectors' api_key_auth, whose README says why. Of those
// that wait for Redis there are fewer here, but they wait no longer.
const (
	keyStoreTimeout = 2 * time.Second        // one look-up in PostgreSQL
	keyRedisTimeout = 100 * time.Millisecond // one of Redis; then the next level is asked
	keyRedisTTL     = 5 * time.Minute        // of the data-flow document's table, as L1TTL is
	// feedHistory is how far back changes are told at the start, so that what others put
	// into Redis before a change is not believed. It is longer than keyRedisTTL by more
	// than clocks differ.
	feedHistory = time.Hour
)

func keySettings() verify.Settings {
	return verify.Settings{
		L1TTL: time.Minute, NegativeTTL: 30 * time.Second, MaxStale: 15 * time.Minute, MaxKeys: 100_000, MaxNegative: 10_000,
		MaxLookups: 1024, MaxVerifications: max(1, runtime.GOMAXPROCS(0)/2), VerifyTimeout: 5 * time.Second,
		RefusalTime: 100 * time.Millisecond,
	}
}

// newKeyring begins its work at once. Options of nil are no Redis.
func newKeyring(pool *postgres.Pool, options *redis.Options, logger *slog.Logger) *keyring {
	k := &keyring{}
	var shared *keystore.Redis
	if options == nil {
		k.lessor = limit.NewLessor(nil, keyRedisTimeout)
	} else {
		own := *options
		own.DialTimeout, own.ReadTimeout, own.WriteTimeout = keyRedisTimeout, keyRedisTimeout, keyRedisTimeout
		own.MaxRetries, own.ContextTimeoutEnabled = -1, true // better than a repeat is the next level
		k.redis = redis.NewClient(&own)
		k.lessor, shared = limit.NewLessor(k.redis, keyRedisTimeout), keystore.NewRedis(k.redis, keyRedisTTL)
	}
	k.engine = verify.New(keySettings(), keystore.NewPostgres(pool, keyStoreTimeout), shared, k.lessor, zap.New(slogCore{logger}))
	k.engine.Start()
	return k
}

// prove judges a credential and counts the request. Whoever is refused for the key's
// limit is told when to come again, and for a store that is away that it is not his fault.
func (k *keyring) prove(ctx context.Context, credential apikey.Credential, limited func(apikey.RateLimit)) (*tenant.Principal, error) {
	now := time.Now()
	verified, err := k.engine.Verify(ctx, credential, now)
	switch {
	case errors.Is(err, apikey.ErrUnauthenticated):
		return nil, errCredentials()
	case err != nil:
		return nil, &queryserver.Error{Code: queryserver.Unavailable, Message: "API keys cannot be verified at the moment", RetryAfter: keyStoreTimeout, Cause: err}
	}
	state, err := verified.Limits.Request(ctx, now)
	limited(state)
	var over *apikey.LimitError
	if errors.As(err, &over) {
		return nil, &queryserver.Error{Code: queryserver.TooMany, Message: over.Error(), RetryAfter: over.RetryAfter}
	}
	return verified.Principal, err
}

func (k *keyring) close(ctx context.Context) {
	k.engine.Close(ctx)
	k.lessor.Close()
	if k.redis != nil {
		k.redis.Close()
	}
}
