package apikeyauthextension

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configoptional"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/internal/redisurl"
)

// Config is the configuration of the extension: at least one of its halves.
type Config struct {
	// Server authenticates incoming calls.
	Server configoptional.Optional[ServerConfig] `mapstructure:"server"`
	// Client adds a key to outgoing calls.
	Client configoptional.Optional[ClientConfig] `mapstructure:"client"`
}

// ServerConfig says where the keys are and how much is spent on judging them.
type ServerConfig struct {
	Postgres     PostgresConfig     `mapstructure:"postgres"`
	Redis        RedisConfig        `mapstructure:"redis"`
	Cache        CacheConfig        `mapstructure:"cache"`
	Verification VerificationConfig `mapstructure:"verification"`
	Feed         FeedConfig         `mapstructure:"feed"`
}

// PostgresConfig is the store of keys.
type PostgresConfig struct {
	URL            configopaque.String `mapstructure:"url"`
	MaxConnections int32               `mapstructure:"max_connections"`
	Timeout        time.Duration       `mapstructure:"timeout"`
}

// RedisConfig is the shared cache of keys and state of rate limits. Without a
// URL, keys are read from PostgreSQL and limits are held by each collector alone.
type RedisConfig struct {
	URL     configopaque.String `mapstructure:"url"`
	Timeout time.Duration       `mapstructure:"timeout"`
}

// CacheConfig bounds what is remembered.
type CacheConfig struct {
	L1TTL       time.Duration `mapstructure:"l1_ttl"`
	RedisTTL    time.Duration `mapstructure:"redis_ttl"`
	NegativeTTL time.Duration `mapstructure:"negative_ttl"`
	MaxStale    time.Duration `mapstructure:"max_stale"`
	MaxKeys     int           `mapstructure:"max_keys"`
	MaxNegative int           `mapstructure:"max_negative"`
}

// VerificationConfig bounds the cold path.
type VerificationConfig struct {
	MaxConcurrent int           `mapstructure:"max_concurrent"`
	MaxLookups    int           `mapstructure:"max_lookups"`
	Timeout       time.Duration `mapstructure:"timeout"`
}

// FeedConfig is how the change feed is followed.
type FeedConfig struct {
	PollInterval time.Duration `mapstructure:"poll_interval"`
}

// ClientConfig is the key that outgoing calls carry.
type ClientConfig struct {
	KeyID         string              `mapstructure:"key_id"`
	KeySecret     configopaque.String `mapstructure:"key_secret"`
	KeySecretFile string              `mapstructure:"key_secret_file"`
	AllowInsecure bool                `mapstructure:"allow_insecure"`
}

// The defaults, and why they are what they are, are listed in README.md.
func createDefaultConfig() component.Config {
	return &Config{
		Server: configoptional.Default(ServerConfig{
			Postgres: PostgresConfig{MaxConnections: 4, Timeout: 2 * time.Second},
			Redis:    RedisConfig{Timeout: 100 * time.Millisecond},
			Cache: CacheConfig{
				L1TTL: time.Minute, RedisTTL: 5 * time.Minute, NegativeTTL: 30 * time.Second,
				MaxStale: 15 * time.Minute, MaxKeys: 100_000, MaxNegative: 10_000,
			},
			Verification: VerificationConfig{MaxConcurrent: max(1, runtime.GOMAXPROCS(0)/2), MaxLookups: 1024, Timeout: 5 * time.Second},
			Feed:         FeedConfig{PollInterval: 2 * time.Second},
		}),
		Client: configoptional.Default(ClientConfig{}),
	}
}

// Validate reports every fault of the whole configuration.
func (c *Config) Validate() error {
	if !c.Server.HasValue() && !c.Client.HasValue() {
		return errors.New("set `server`, to authenticate incoming calls, or `client`, to add a key to outgoing ones")
	}
	return nil
}

// maxPoll keeps a revocation under 5 s even when no notification arrives.
const maxPoll = 4 * time.Second

// Validate reports every fault by its key.
func (c *ServerConfig) Validate() error {
	var errs []error
	positive := func(key string, ok bool) {
		if !ok {
			errs = append(errs, fmt.Errorf("`%s` must be greater than 0", key))
		}
	}
	if c.Postgres.URL == "" {
		errs = append(errs, errors.New("`postgres::url` must be set"))
	} else if err := postgres.CheckURL(string(c.Postgres.URL)); err != nil {
		errs = append(errs, fmt.Errorf("`postgres::url`: %w", err))
	}
	if _, err := redisurl.Parse(string(c.Redis.URL)); c.Redis.URL != "" && err != nil {
		errs = append(errs, fmt.Errorf("`redis::url`: %w", err))
	}
	positive("postgres::max_connections", c.Postgres.MaxConnections > 0)
	positive("postgres::timeout", c.Postgres.Timeout > 0)
	positive("redis::timeout", c.Redis.Timeout > 0)
	positive("cache::l1_ttl", c.Cache.L1TTL > 0)
	positive("cache::redis_ttl", c.Cache.RedisTTL > 0)
	positive("cache::negative_ttl", c.Cache.NegativeTTL > 0)
	positive("cache::max_stale", c.Cache.MaxStale > 0)
	positive("cache::max_keys", c.Cache.MaxKeys > 0)
	positive("cache::max_negative", c.Cache.MaxNegative > 0)
	positive("verification::max_concurrent", c.Verification.MaxConcurrent > 0)
	positive("verification::max_lookups", c.Verification.MaxLookups > 0)
	positive("verification::timeout", c.Verification.Timeout > 0)
	positive("feed::poll_interval", c.Feed.PollInterval > 0)
	if c.Feed.PollInterval > maxPoll {
		errs = append(errs, fmt.Errorf("`feed::poll_interval` must be at most %s, so that a revocation arrives within 5s", maxPoll))
	}
	if c.Cache.RedisTTL > maxRedisTTL {
		errs = append(errs, fmt.Errorf("`cache::redis_ttl` must be at most %s, the time over which changes are read at the start", maxRedisTTL))
	}
	return errors.Join(errs...)
}

// maxRedisTTL is below feedHistory, by more than the clocks may differ.
const maxRedisTTL = 30 * time.Minute

// Validate reports every fault by its key.
func (c *ClientConfig) Validate() error {
	var errs []error
	if _, err := apikey.ParseID(c.KeyID); err != nil {
		errs = append(errs, fmt.Errorf("`key_id`: %w", err))
	}
	switch {
	case (c.KeySecret == "") == (c.KeySecretFile == ""):
		errs = append(errs, errors.New("set one of `key_secret` and `key_secret_file`"))
	case c.KeySecret != "" && !apikey.ValidSecret(string(c.KeySecret)):
		errs = append(errs, errors.New("`key_secret`: an API key secret is tfs_ and 64 lower-case hex digits"))
	}
	return errors.Join(errs...)
}
