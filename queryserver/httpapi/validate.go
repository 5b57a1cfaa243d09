package httpapi

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

const (
	// minCursorKey is 256 bits if the key is random bytes, and enough if it is hex.
	minCursorKey = 32
	hostPrefix   = "__Host-"
)

// Validate joins all that is wrong, each with its YAML key.
func (s *Settings) Validate() error {
	faults := []error{address("listen", s.Listen), address("admin", s.Admin), s.Limits.validate()}
	if (s.TLS.CertFile == "") != (s.TLS.KeyFile == "") {
		faults = append(faults, errors.New("tls: cert_file and key_file need each other"))
	}
	for _, text := range s.Proxies {
		if _, err := netip.ParsePrefix(text); err != nil {
			faults = append(faults, fmt.Errorf("proxies: %q is not a CIDR such as 10.0.0.0/8", text))
		}
	}
	for _, text := range s.Origins {
		if !isOrigin(text) {
			faults = append(faults, fmt.Errorf("origins: %q is not an origin such as https://dashboards.example.com", text))
		}
	}
	if s.PublicURL != "" && !isOrigin(s.PublicURL) {
		faults = append(faults, fmt.Errorf("public_url: %q is not an origin such as https://telemetry.example.com", s.PublicURL))
	}
	if !strings.HasPrefix(s.SessionCookie, hostPrefix) || len(s.SessionCookie) == len(hostPrefix) {
		faults = append(faults, fmt.Errorf("session_cookie: %q does not begin with %s (see insecure_cookies)", s.SessionCookie, hostPrefix))
	}
	if n := len(s.CursorKey); n > 0 && n < minCursorKey {
		faults = append(faults, fmt.Errorf("cursor_key: needs %d characters or more (has %d)", minCursorKey, n))
	}
	return errors.Join(faults...)
}

func (l *LimitSettings) validate() error {
	var faults []error
	for key, value := range map[string]int64{"body_bytes": l.BodyBytes, "header_bytes": int64(l.HeaderBytes), "requests": int64(l.Requests)} {
		if value <= 0 {
			faults = append(faults, fmt.Errorf("limits::%s: must be positive (is %d)", key, value))
		}
	}
	for key, value := range map[string]time.Duration{
		"header_timeout": l.HeaderTimeout, "body_timeout": l.BodyTimeout, "request_timeout": l.RequestTimeout, "stream_timeout": l.StreamTimeout,
		"idle_timeout": l.IdleTimeout, "drain": l.Drain,
	} {
		if value <= 0 {
			faults = append(faults, fmt.Errorf("limits::%s: must be positive (is %s)", key, value))
		}
	}
	if l.WriteTimeout <= l.BodyTimeout+l.RequestTimeout {
		faults = append(faults, fmt.Errorf("limits::write_timeout: must be longer than body_timeout and request_timeout together (is %s)", l.WriteTimeout))
	}
	if l.PublicPerMinute < 0 {
		faults = append(faults, fmt.Errorf("limits::public_per_minute: must not be negative (is %d)", l.PublicPerMinute))
	}
	if l.DrainDelay < 0 {
		faults = append(faults, fmt.Errorf("limits::drain_delay: must not be negative (is %s)", l.DrainDelay))
	}
	return errors.Join(faults...)
}

func address(key, text string) error {
	if _, _, err := net.SplitHostPort(text); err != nil {
		return fmt.Errorf("%s: %q is not host:port", key, text)
	}
	return nil
}

// isOrigin knows the form in which browsers send it (RFC 6454 section 6.2), in which it
// is compared byte by byte.
func isOrigin(text string) bool {
	parsed, err := url.Parse(text)
	if err != nil || parsed.Hostname() == "" || strings.ContainsAny(text, "*, ") {
		return false
	}
	return (parsed.Scheme == "https" || parsed.Scheme == "http") && text == strings.ToLower(parsed.Scheme+"://"+parsed.Host)
}
