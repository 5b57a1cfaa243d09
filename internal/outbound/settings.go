package outbound

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"
)

const (
	// defaultTimeout bounds a whole call. A healthy service answers in well under a
	// second, and a person may be waiting.
	defaultTimeout = 5 * time.Second
	// defaultMaxBody bounds an answer, after decompression. Key sets and discovery
	// documents of identity providers are below 100 KiB.
	defaultMaxBody = 1 << 20
	// maxHeader bounds the header of an answer.
	maxHeader = 64 << 10
	// maxConnections bounds what one slow host can hold.
	maxConnections = 16
	// idleTimeout is how long a connection waits for the next call.
	idleTimeout = 30 * time.Second
	httpsPort   = 443
)

// Settings say whom a client may call.
type Settings struct {
	// Allow are networks that may be called although they are not public, such as
	// that of a company's own identity provider. Empty by default. The addresses at
	// which clouds hand out credentials stay refused.
	Allow []netip.Prefix `mapstructure:"allow"`
	// Ports are those that may be called; by default 443.
	Ports []uint16 `mapstructure:"ports"`
	// Timeout bounds a call with its body; by default 5 s.
	Timeout time.Duration `mapstructure:"timeout"`
	// MaxBody is the most bytes that are read of an answer; by default 1 MiB.
	MaxBody int64 `mapstructure:"max_body"`
	// CAFile has certificates, in PEM, of authorities that may vouch for servers beside
	// those of the system, such as a company's own; empty: none.
	CAFile string `mapstructure:"ca_file"`
	// RootCAs verify servers; nil is the system's.
	RootCAs *x509.CertPool `mapstructure:"-"`
	// Resolver looks names up; nil is the system's.
	Resolver *net.Resolver `mapstructure:"-"`
}

// Defaults are settings that call public addresses on port 443 only.
func Defaults() Settings {
	return Settings{Ports: []uint16{httpsPort}, Timeout: defaultTimeout, MaxBody: defaultMaxBody}
}

// Validate names each key at fault.
func (s *Settings) Validate() error {
	var faults []error
	for _, network := range s.Allow {
		switch {
		case !network.IsValid():
			faults = append(faults, errors.New("allow: a network must be written as 10.0.0.0/8"))
		case network.Addr().Is4In6():
			faults = append(faults, fmt.Errorf("allow: write %s as an IPv4 network", network))
		case network != network.Masked():
			faults = append(faults, fmt.Errorf("allow: %s has bits beyond its prefix; write %s", network, network.Masked()))
		}
	}
	if len(s.Ports) == 0 {
		faults = append(faults, errors.New("ports: name at least one, such as 443"))
	}
	if s.Timeout <= 0 {
		faults = append(faults, fmt.Errorf("timeout: must be a positive duration (got %s)", s.Timeout))
	}
	if s.MaxBody <= 0 {
		faults = append(faults, fmt.Errorf("max_body: must be a positive number of bytes (got %d)", s.MaxBody))
	}
	if _, err := s.roots(); err != nil {
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

// roots are who may vouch for servers; nil is the system's.
func (s *Settings) roots() (*x509.CertPool, error) {
	if s.CAFile == "" {
		return s.RootCAs, nil
	}
	text, err := os.ReadFile(s.CAFile)
	if err != nil {
		return nil, fmt.Errorf("ca_file: %w", err)
	}
	pool := s.RootCAs
	if pool == nil {
		if pool, err = x509.SystemCertPool(); err != nil {
			return nil, fmt.Errorf("ca_file: read the authorities of the system: %w", err)
		}
	}
	pool = pool.Clone()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("ca_file: %s has no certificate in PEM", s.CAFile)
	}
	return pool, nil
}
