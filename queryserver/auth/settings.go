package auth

import (
	"fmt"
	"net/netip"
	"time"
)

// Settings are the lives of what a login gives. Each has a default in DefaultSettings.
type Settings struct {
	// Idle is after how long without a call a session ends (NIST SP 800-63B-4, 2.2.3).
	Idle time.Duration `mapstructure:"idle"`
	// Absolute is after how long a session ends whatever is done in it.
	Absolute time.Duration `mapstructure:"absolute"`
	// Challenge is how long the second factor is waited for.
	Challenge time.Duration `mapstructure:"challenge"`
	// ChallengeTries is how many codes may be tried in a challenge.
	ChallengeTries int `mapstructure:"challenge_tries"`
	// Reset is how long a link to a new password holds.
	Reset time.Duration `mapstructure:"password_reset"`
	// Invitation is how long an invitation holds, before it must be sent again.
	Invitation time.Duration `mapstructure:"invitation"`
	// ResetsPerHour is how many such links a user is sent, so that nobody's mailbox is
	// filled by strangers.
	ResetsPerHour int `mapstructure:"password_resets_per_hour"`
	// Setup is how long the set-up link holds. A server that starts prints another one.
	Setup time.Duration `mapstructure:"setup"`
	// DiscloseLockout answers a failed login with the attempts that remain, and a locked
	// account with its lock. It tells an attacker which accounts are worth his time.
	DiscloseLockout bool `mapstructure:"disclose_lockout"`
	// DNSServer is host:port of the name server that is asked for the records by which
	// organizations prove their domains; empty: those of the system.
	DNSServer string `mapstructure:"dns_server"`
	// PublicURL is where browsers find the server: links in e-mails begin with it.
	PublicURL string `mapstructure:"-"`
	// Issuer names the installation to authenticator apps.
	Issuer string `mapstructure:"issuer"`
}

// DefaultSettings are those of NIST SP 800-63B-4, AAL2, and of OWASP ASVS 5.0, 6.4.
func DefaultSettings() Settings {
	return Settings{
		Idle: 30 * time.Minute, Absolute: 12 * time.Hour,
		Challenge: 5 * time.Minute, ChallengeTries: 5, Reset: time.Hour, ResetsPerHour: 3, Invitation: time.Hour, Setup: 24 * time.Hour, Issuer: "TelemetryFlow",
	}
}

// Validate names the key at fault.
func (s Settings) Validate() error {
	for _, limit := range []struct {
		key             string
		value, from, to time.Duration
	}{
		{"idle", s.Idle, time.Minute, 24 * time.Hour},
		{"absolute", s.Absolute, s.Idle, 30 * 24 * time.Hour},
		{"challenge", s.Challenge, 30 * time.Second, 15 * time.Minute},
		{"password_reset", s.Reset, time.Minute, time.Hour},
		{"invitation", s.Invitation, time.Minute, 7 * 24 * time.Hour},
		{"setup", s.Setup, time.Minute, 7 * 24 * time.Hour},
	} {
		if limit.value < limit.from || limit.value > limit.to {
			return fmt.Errorf("%s: %s is not from %s to %s", limit.key, limit.value, limit.from, limit.to)
		}
	}
	if s.DNSServer != "" {
		if _, err := netip.ParseAddrPort(s.DNSServer); err != nil {
			return fmt.Errorf("dns_server: %q is not an address and a port such as 192.0.2.53:53", s.DNSServer)
		}
	}
	if s.ChallengeTries < 1 || s.ChallengeTries > 10 {
		return fmt.Errorf("challenge_tries: %d is not from 1 to 10", s.ChallengeTries)
	}
	if s.ResetsPerHour < 1 {
		return fmt.Errorf("password_resets_per_hour: %d is not positive", s.ResetsPerHour)
	}
	return nil
}
