package httpapi

import (
	"time"

	"go.opentelemetry.io/collector/config/configopaque"
)

// Settings of the HTTP API. Begin with DefaultSettings.
type Settings struct {
	// Listen is host:port of the public listener. Default: 127.0.0.1:8080, because login
	// cookies need TLS on any other address.
	Listen string `mapstructure:"listen"`
	// PublicURL is where browsers find the server, such as https://telemetry.example.com,
	// when a proxy in front changes the Host header. Default: none.
	PublicURL string      `mapstructure:"public_url"`
	TLS       TLSSettings `mapstructure:"tls"`
	// Admin is host:port of the listener for health, metrics and pprof, which asks nobody
	// who calls. Default: 127.0.0.1:8081.
	Admin string `mapstructure:"admin"`
	// Proxies are the CIDRs of proxies whose X-Forwarded-For, X-Forwarded-Proto,
	// X-Request-Id and traceparent are believed. Default: none.
	Proxies []string `mapstructure:"proxies"`
	// Origins are the origins of other sites whose pages may call the API with cookies,
	// such as https://dashboards.example.com. Default: none.
	Origins []string `mapstructure:"origins"`
	// SessionCookie is the name of the cookie that holds a session. Default:
	// __Host-telemetryflow-session. With InsecureCookies it loses its prefix.
	SessionCookie string `mapstructure:"session_cookie"`
	// InsecureCookies lets browsers send cookies over plain HTTP. Default: false.
	InsecureCookies bool `mapstructure:"insecure_cookies"`
	// CursorKey authenticates the cursors of pages: 32 characters or more, the same on
	// every server. Default: a random one, so that cursors end with the process.
	CursorKey configopaque.String `mapstructure:"cursor_key"`
	Limits    LimitSettings       `mapstructure:"limits"`

	_ struct{}
}

// TLSSettings name the files of the public listener's certificate (TLS 1.2 and later,
// HTTP/2). They are read again when they change. Without them it speaks plain HTTP.
type TLSSettings struct {
	CertFile string `mapstructure:"cert_file"`
	KeyFile  string `mapstructure:"key_file"`

	_ struct{}
}

// LimitSettings bound what one request, and all of them, can use.
type LimitSettings struct {
	// BodyBytes of a request. Default: 1 MiB; the largest legitimate body is a dashboard.
	BodyBytes int64 `mapstructure:"body_bytes"`
	// HeaderBytes of a request, the path included. Default: 32 KiB; a JWT and cookies
	// stay under 8 KiB.
	HeaderBytes int `mapstructure:"header_bytes"`
	// HeaderTimeout is how long the header may take to arrive. Default: 5 s.
	HeaderTimeout time.Duration `mapstructure:"header_timeout"`
	// BodyTimeout is how long the body may take. Default: 10 s, which is 1 MiB at 1 Mbit/s.
	BodyTimeout time.Duration `mapstructure:"body_timeout"`
	// RequestTimeout is how long the work may take. Default: 30 s.
	RequestTimeout time.Duration `mapstructure:"request_timeout"`
	// StreamTimeout is how long an export may take. Default: 10 min, which is a million
	// items at 1 Mbyte/s. A reader that takes nothing for 10 s is cut off earlier.
	StreamTimeout time.Duration `mapstructure:"stream_timeout"`
	// WriteTimeout is from the end of the header to the end of the answer; it must be
	// longer than the body's and the request's together. Default: 60 s. It does not end
	// exports.
	WriteTimeout time.Duration `mapstructure:"write_timeout"`
	// IdleTimeout ends a connection without requests. Default: 2 min, longer than that of
	// most proxies, which would else send into a closing connection.
	IdleTimeout time.Duration `mapstructure:"idle_timeout"`
	// Requests are those under way at once; more get 503. Default: 256, which with full
	// bodies is 256 MiB.
	Requests int `mapstructure:"requests"`
	// PublicPerMinute are the requests of one network (an address of IPv4, a /64 of IPv6)
	// to routes that ask nobody who calls, such as logins; more get 429. Default: 1200,
	// an office behind one address that logs in at once; 0 is no limit.
	PublicPerMinute int `mapstructure:"public_per_minute"`
	// Drain is how long a stopping server waits for requests under way. Default: 20 s.
	Drain time.Duration `mapstructure:"drain"`
	// DrainDelay is how long it serves on while /readyz already says no: the interval at
	// which a load balancer asks. Default: 0.
	DrainDelay time.Duration `mapstructure:"drain_delay"`

	_ struct{}
}

// DefaultSettings are the defaults named above.
func DefaultSettings() Settings {
	return Settings{
		Listen:        "127.0.0.1:8080",
		Admin:         "127.0.0.1:8081",
		SessionCookie: "__Host-telemetryflow-session",
		Limits: LimitSettings{
			BodyBytes:       1 << 20,
			HeaderBytes:     32 << 10,
			HeaderTimeout:   5 * time.Second,
			BodyTimeout:     10 * time.Second,
			RequestTimeout:  30 * time.Second,
			StreamTimeout:   10 * time.Minute,
			WriteTimeout:    time.Minute,
			IdleTimeout:     2 * time.Minute,
			Requests:        256,
			PublicPerMinute: 1200,
			Drain:           20 * time.Second,
		},
	}
}
