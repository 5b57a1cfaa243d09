package mail

import (
	"errors"
	"fmt"
	netmail "net/mail"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"go.opentelemetry.io/collector/config/configopaque"
)

// TLSMode is how the connection to the mail server is protected.
type TLSMode string

// The modes. There is none that falls back to plain text.
const (
	StartTLS TLSMode = "starttls" // plain until STARTTLS, which the server must offer (RFC 3207)
	Implicit TLSMode = "implicit" // TLS from the first byte (RFC 8314)
	NoTLS    TLSMode = "none"     // plain text, and no login
)

// Settings say which mail server to use and how. docs/mail.md has the defaults with
// their reasons.
type Settings struct {
	// Host is the name or the IP address of the mail server; empty: no mail is sent.
	Host string `mapstructure:"host"`
	// Port is that of the mail server; 0: the usual one of the TLS mode, 587, 465 or 25.
	Port int `mapstructure:"port"`
	// TLS is how the connection is protected.
	TLS TLSMode `mapstructure:"tls"`
	// Insecure allows the TLS mode none to a server on another machine.
	Insecure bool `mapstructure:"insecure"`
	// CAFile has the certificates, in PEM, of who may vouch for the server; empty: the
	// system's.
	CAFile string `mapstructure:"ca_file"`
	// Username is for the login; empty: none.
	Username string `mapstructure:"username"`
	// Password is for the login.
	Password configopaque.String `mapstructure:"password"`
	// From is the address that letters come from and bounces go to.
	From string `mapstructure:"from"`
	// FromName is shown beside it.
	FromName string `mapstructure:"from_name"`
	// HelloName is what this machine calls itself; empty: its host name.
	HelloName string `mapstructure:"hello_name"`
	// Timeout bounds one letter, from the wait for a connection to the server's answer.
	Timeout time.Duration `mapstructure:"timeout"`
	// MaxConnections bounds the letters that are sent at the same time.
	MaxConnections int `mapstructure:"max_connections"`
	// Now dates the letters; nil: time.Now.
	Now func() time.Time `mapstructure:"-"`
}

// DefaultSettings are those that docs/mail.md lists. They name no server.
func DefaultSettings() Settings {
	return Settings{TLS: StartTLS, FromName: "TelemetryFlow", Timeout: 30 * time.Second, MaxConnections: 4}
}

// port is the one to connect to. The usual ones are those of RFC 6409, 8314 and 5321.
func (s Settings) port() int {
	switch {
	case s.Port != 0:
		return s.Port
	case s.TLS == Implicit:
		return 465
	case s.TLS == NoTLS:
		return 25
	default:
		return 587
	}
}

// helloName is a domain or an address literal (RFC 5321 4.1.1.1).
var helloName = regexp.MustCompile(`^[A-Za-z0-9._:\[\]-]+$`)

// Validate reports every fault by its key. Settings without a host are valid, as long
// as nothing shows that one was forgotten.
func (s Settings) Validate() error {
	if s.Host == "" && s.From == "" && s.Username == "" {
		return nil
	}
	var errs []error
	check := func(ok bool, format string, arguments ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, arguments...))
		}
	}
	check(s.Host != "", "`host` must be set")
	check(hostname(s.Host), "`host` must be a name or an IP address, without a port: %q", s.Host)
	check(s.Port >= 0 && s.Port <= 65535, "`port` must be from 1 to 65535, or 0 for the usual one: %d", s.Port)
	switch s.TLS {
	case StartTLS, Implicit:
		check(!s.Insecure, "`insecure` must not be set beside `tls` %s", s.TLS)
	case NoTLS:
		check(s.Insecure || loopback(s.Host), "`tls` may be none for a server on this machine only, unless `insecure` is set")
		check(s.Username == "", "`username` must not be set beside `tls` none: the password would be readable on its way")
	default:
		check(false, "`tls` must be starttls, implicit or none: %q", s.TLS)
	}
	check(s.Username == "" || s.Password != "", "`password` must be set beside `username`")
	check(s.Username != "" || s.Password == "", "`username` must be set beside `password`")
	check(isAddress(s.From) && isASCII(s.From), "`from` must be an address such as telemetryflow@example.com: %q", s.From)
	check(s.FromName == line(s.FromName, maxName), "`from_name` must be one line of at most %d characters", maxName)
	check(s.HelloName == "" || helloName.MatchString(s.HelloName), "`hello_name` must be a domain name: %q", s.HelloName)
	check(s.Timeout > 0, "`timeout` must be greater than 0")
	check(s.MaxConnections > 0, "`max_connections` must be greater than 0")
	return errors.Join(errs...)
}

// sender is the From header's.
func (s Settings) sender() *netmail.Address {
	return &netmail.Address{Name: s.FromName, Address: s.From}
}

func hostname(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return !strings.ContainsFunc(host, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune(`:/\@[]`, r)
	})
}

func loopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.Unmap().IsLoopback()
}
