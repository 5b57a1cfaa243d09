package postgres

import (
	"crypto/tls"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/telemetryflow/telemetryflow/internal/peer"
)

// verifyFull is the mode in which the server's certificate and its name are verified.
const verifyFull = "verify-full"

// secure reads a URL whose host is another machine: TLS with verify-full is the default,
// and anything less needs insecure=true in the URL (ASVS 12.3.1, 12.3.2).
func secure(text string) (*pgxpool.Config, error) {
	text, insecure := takeInsecure(text)
	config, err := pgxpool.ParseConfig(text)
	if err != nil || insecure {
		return config, err
	}
	if !strings.Contains(text, "sslmode") && os.Getenv("PGSSLMODE") == "" && weak(config) != "" {
		if config, err = pgxpool.ParseConfig(withMode(text)); err != nil {
			return nil, err
		}
	}
	if host := weak(config); host != "" {
		return nil, weakError{host}
	}
	return config, nil
}

// takeInsecure takes the parameter out, which is not one of PostgreSQL's.
func takeInsecure(text string) (string, bool) {
	parsed, err := url.Parse(text)
	if err != nil || parsed.Scheme == "" {
		return text, false
	}
	query := parsed.Query()
	if !query.Has(peer.InsecureParameter) {
		return text, false
	}
	insecure := query.Get(peer.InsecureParameter) == "true"
	query.Del(peer.InsecureParameter)
	parsed.RawQuery = query.Encode()
	return parsed.String(), insecure
}

func withMode(text string) string {
	parsed, err := url.Parse(text)
	if err != nil || parsed.Scheme == "" {
		return text + " sslmode=" + verifyFull // key=value form
	}
	query := parsed.Query()
	query.Set("sslmode", verifyFull)
	parsed.RawQuery = query.Encode()
	return parsed.String()
}

// weak is a host on another machine that would be spoken to without a verified name, or "".
func weak(config *pgxpool.Config) string {
	at := &config.ConnConfig.Config
	if isWeak(at.Host, at.TLSConfig) {
		return at.Host
	}
	for _, other := range at.Fallbacks {
		if isWeak(other.Host, other.TLSConfig) {
			return other.Host
		}
	}
	return ""
}

func isWeak(host string, with *tls.Config) bool {
	return !peer.Local(host) && (with == nil || with.InsecureSkipVerify)
}

type weakError struct{ host string }

func (e weakError) Error() string {
	return fmt.Sprintf("%s is another machine, which PostgreSQL speaks to over TLS with a verified certificate: take sslmode out of the URL (it is %s by default), "+
		"or add %s=true if nobody can listen in between", e.host, verifyFull, peer.InsecureParameter)
}
