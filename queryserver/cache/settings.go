package cache

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// secretBytes is the length of the secret: that of the hash it keys (SHA-256).
const secretBytes = 32

// Secret seals what lies in Redis. It never appears in a log or a dump.
type Secret []byte

const redacted = "[REDACTED]"

func (Secret) String() string { return redacted }

// GoString hides the secret from %#v.
func (Secret) GoString() string { return redacted }

// LogValue hides the secret from slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText hides the secret from encoders.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Settings bound the cache. DefaultSettings has the defaults and docs/cache.md the reasons.
type Settings struct {
	// MaxBytes bounds L1: the sum of its entries, each estimated as twice its encoded
	// length and 320 bytes. YAML key max_bytes.
	MaxBytes int64 `mapstructure:"max_bytes"`
	// MaxValueBytes bounds one value, encoded, of a kind that sets no bound of its own. A
	// larger one is not remembered. max_value_bytes.
	MaxValueBytes int `mapstructure:"max_value_bytes"`
	// MaxInvalidations is how many invalidations of each kind are kept in mind one by one.
	// When there are more, all of L2 that is older than the oldest forgotten one is
	// refused. max_invalidations.
	MaxInvalidations int `mapstructure:"max_invalidations"`
	// LoadTimeout ends a load, which outlives the caller that began it. load_timeout.
	LoadTimeout time.Duration `mapstructure:"load_timeout"`
	// RedisTimeout is what one operation on Redis may cost. redis_timeout.
	RedisTimeout time.Duration `mapstructure:"redis_timeout"`
	// RedisPause is how long Redis is not asked after it failed. redis_pause.
	RedisPause time.Duration `mapstructure:"redis_pause"`
	// ScanTimeout bounds how long ForgetPattern deletes from L2. scan_timeout.
	ScanTimeout time.Duration `mapstructure:"scan_timeout"`
	// MaxClockSkew is how far the clocks of two servers may differ. A server whose clock
	// differs from that of Redis by more than half of it does without L2, so that no two
	// that share L2 can differ by more. max_clock_skew.
	MaxClockSkew time.Duration `mapstructure:"max_clock_skew"`
	// KeyPrefix begins every key and channel in Redis. key_prefix.
	KeyPrefix string `mapstructure:"key_prefix"`
	// Secret is of 32 bytes, the same for all servers that share L2. redis_secret.
	Secret Secret `mapstructure:"-"`
	// Now is the clock; nil is the system's.
	Now func() time.Time `mapstructure:"-"`
}

// DefaultSettings are settings without the Secret.
func DefaultSettings() Settings {
	return Settings{
		MaxBytes:         64 << 20,
		MaxValueBytes:    1 << 20,
		MaxInvalidations: 4096,
		LoadTimeout:      time.Minute,
		RedisTimeout:     50 * time.Millisecond,
		RedisPause:       time.Second,
		ScanTimeout:      5 * time.Second,
		MaxClockSkew:     5 * time.Second,
		KeyPrefix:        "cache:",
	}
}

// Validate names the settings that cannot work.
func (s *Settings) Validate(withRedis bool) error {
	var errs []error
	atLeast := func(key string, value, least int64) {
		if value < least {
			errs = append(errs, fmt.Errorf("%s: must be at least %d, is %d", key, least, value))
		}
	}
	positive := func(key string, value time.Duration) {
		if value <= 0 {
			errs = append(errs, fmt.Errorf("%s: must be positive, is %s", key, value))
		}
	}
	atLeast("max_bytes", s.MaxBytes, 1<<20)
	atLeast("max_value_bytes", int64(s.MaxValueBytes), 1)
	atLeast("max_invalidations", int64(s.MaxInvalidations), 1)
	if int64(s.MaxValueBytes) > s.MaxBytes {
		errs = append(errs, fmt.Errorf("max_value_bytes: must be at most max_bytes (%d), is %d", s.MaxBytes, s.MaxValueBytes))
	}
	positive("load_timeout", s.LoadTimeout)
	if withRedis {
		positive("redis_timeout", s.RedisTimeout)
		positive("redis_pause", s.RedisPause)
		positive("scan_timeout", s.ScanTimeout)
		positive("max_clock_skew", s.MaxClockSkew)
		if len(s.Secret) != secretBytes {
			errs = append(errs, fmt.Errorf("redis_secret: must be of %d bytes", secretBytes))
		}
	}
	return errors.Join(errs...)
}
