package jwt

import (
	"errors"
	"fmt"
	"time"
)

// Settings are those of access tokens and their keys.
type Settings struct {
	// Issuer is the public URL of the server; it is the claim iss, as it stands.
	Issuer string `mapstructure:"issuer"`
	// Audience is whom the tokens are for; it is the claim aud.
	Audience string `mapstructure:"audience"`
	// Lifetime of a token: up to 10 minutes, because a token cannot be taken back.
	Lifetime time.Duration `mapstructure:"lifetime"`
	// Leeway is how far the clocks of servers may differ: up to 60 seconds.
	Leeway time.Duration `mapstructure:"leeway"`
	// MaxVerified is how many verified tokens are remembered, so that a token costs a
	// signature check once, and then a hash. About 400 bytes each; 0: none.
	MaxVerified int      `mapstructure:"max_verified"`
	Keys        Schedule `mapstructure:"keys"`
	// Now is the clock; nil: time.Now.
	Now func() time.Time `mapstructure:"-"`
}

// Schedule says when signing keys change.
type Schedule struct {
	// RotateEvery is how long a key signs.
	RotateEvery time.Duration `mapstructure:"rotate_every"`
	// PublishBefore is how long before its use a key is in the key set. Whoever caches
	// the set must ask again in less.
	PublishBefore time.Duration `mapstructure:"publish_before"`
	// KeepAfter is how long a key verifies after its last use: at least the lifetime of
	// its tokens.
	KeepAfter time.Duration `mapstructure:"keep_after"`
	// RefreshEvery is how often a server looks for new keys.
	RefreshEvery time.Duration `mapstructure:"refresh_every"`
}

const (
	maxLifetime = 10 * time.Minute // ASVS 9.2.1 and design: a token cannot be taken back
	maxLeeway   = time.Minute      // ASVS 9.2.1
)

// DefaultSettings lack an Issuer.
func DefaultSettings() Settings {
	return Settings{
		Audience:    "telemetryflow",
		Lifetime:    5 * time.Minute,
		Leeway:      30 * time.Second,
		MaxVerified: 10_000,
		Keys: Schedule{
			RotateEvery: 30 * 24 * time.Hour, PublishBefore: time.Hour, KeepAfter: time.Hour, RefreshEvery: time.Minute,
		},
	}
}

// Validate says what is wrong with the settings, by the key in the file.
func (s Settings) Validate() error {
	if s.Issuer == "" {
		return errors.New("issuer: it is empty; give the public URL of the server")
	}
	if s.Audience == "" {
		return errors.New("audience: it is empty")
	}
	if s.MaxVerified < 0 {
		return fmt.Errorf("max_verified: %d is negative", s.MaxVerified)
	}
	for _, limit := range []struct {
		key             string
		value, from, to time.Duration
	}{
		{"lifetime", s.Lifetime, time.Second, maxLifetime},
		{"leeway", s.Leeway, 0, maxLeeway},
		{"keys.refresh_every", s.Keys.RefreshEvery, time.Second, time.Hour},
		{"keys.publish_before", s.Keys.PublishBefore, 2 * s.Keys.RefreshEvery, 30 * 24 * time.Hour},
		{"keys.keep_after", s.Keys.KeepAfter, s.Lifetime + maxLeeway, 30 * 24 * time.Hour},
		{"keys.rotate_every", s.Keys.RotateEvery, s.Keys.PublishBefore + s.Keys.RefreshEvery, 366 * 24 * time.Hour},
	} {
		if limit.value < limit.from || limit.value > limit.to {
			return fmt.Errorf("%s: %s is not from %s to %s", limit.key, limit.value, limit.from, limit.to)
		}
	}
	return nil
}

func (s Settings) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}
