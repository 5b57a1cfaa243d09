// Package redisurl reads the URL of a Redis server.
package redisurl

import (
	"errors"
	"fmt"
	"net"
	"net/url"

	"github.com/redis/go-redis/v9"

	"github.com/telemetryflow/telemetryflow/internal/peer"
)

// Parse reads redis://, rediss:// and unix:// as go-redis does. Another machine is spoken
// to over TLS, and its certificate is verified, unless the URL says insecure=true (ASVS
// 12.3.1, 12.3.2). Errors do not repeat the URL, which may hold a password.
func Parse(text string) (*redis.Options, error) {
	parsed, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("not a Redis URL: write rediss://user:password@host:6379")
	}
	query := parsed.Query()
	insecure := query.Get(peer.InsecureParameter) == "true"
	query.Del(peer.InsecureParameter)
	parsed.RawQuery = query.Encode()
	options, err := redis.ParseURL(parsed.String())
	if err != nil {
		return nil, errors.New("not a Redis URL: write rediss://user:password@host:6379")
	}
	verified := options.TLSConfig != nil && !options.TLSConfig.InsecureSkipVerify
	if host, _, err := net.SplitHostPort(options.Addr); err == nil && options.Network == "tcp" && !verified && !insecure && !peer.Local(host) {
		return nil, fmt.Errorf("%s is another machine, which Redis speaks to over TLS with a verified certificate: write rediss:// without skip_verify, "+
			"or add %s=true if nobody can listen in between", host, peer.InsecureParameter)
	}
	return options, nil
}
