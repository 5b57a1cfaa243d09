package chconn

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Config is where a ClickHouse is and how to speak to it.
type Config struct {
	// Endpoint is http://[user:password@]host[:port][/database], or https://….
	Endpoint string
	// Database, Username and Password go before those of the endpoint.
	Database, Username, Password string
	// TLS is used with https; nil is the system's roots.
	TLS *tls.Config
	// Timeout bounds the wait for an answer of the server.
	Timeout time.Duration
	// Connections is the most that are open at once.
	Connections int
	// Compression is none, lz4, zstd or gzip; empty is none to this machine and
	// lz4 to others, where the network costs more than the processor.
	Compression string
	// Settings go with every statement.
	Settings map[string]any
}

// dialTimeout is for one address; a server that is there accepts in milliseconds.
const dialTimeout = 5 * time.Second

// Open prepares the connections. It does not connect: a ClickHouse that is down is
// found out by the first statement.
func Open(config Config) (driver.Conn, error) {
	options, err := config.Options()
	if err != nil {
		return nil, err
	}
	conn, err := clickhouse.Open(options)
	if err != nil {
		return nil, fmt.Errorf("prepare the connections to ClickHouse: %w", err)
	}
	return conn, nil
}

// Validate says what is wrong with the endpoint, without its password.
func (c Config) Validate() error {
	_, err := c.Options()
	return err
}

// Options are what clickhouse-go connects with.
func (c Config) Options() (*clickhouse.Options, error) {
	address, err := url.Parse(c.Endpoint)
	if err != nil {
		return nil, errors.New("the endpoint is not a URL such as http://host:8123/database") // err repeats the password
	}
	if address.Scheme != "http" && address.Scheme != "https" || address.Host == "" {
		return nil, fmt.Errorf("the endpoint must be http://host:8123/database or https://… (got scheme %q): encoded blocks are taken over HTTP only", address.Scheme)
	}
	if address.RawQuery != "" {
		return nil, errors.New("the endpoint has query parameters: name the database in its path and settings in the configuration")
	}
	port := address.Port()
	if port == "" {
		port = defaultPort(address.Scheme)
	}
	password, _ := address.User.Password()
	options := &clickhouse.Options{
		Protocol: clickhouse.HTTP,
		Addr:     []string{net.JoinHostPort(address.Hostname(), port)},
		Auth: clickhouse.Auth{
			Database: strings.Trim(address.Path, "/"),
			Username: address.User.Username(),
			Password: password,
		},
	}
	if c.Database != "" {
		options.Auth.Database = c.Database
	}
	if c.Username != "" {
		options.Auth.Username = c.Username
	}
	if c.Password != "" {
		options.Auth.Password = c.Password
	}
	if address.Scheme == "https" {
		options.TLS = c.TLS
		if options.TLS == nil {
			options.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
		}
	}
	options.Compression, err = compression(c.Compression, address.Hostname())
	if err != nil {
		return nil, err
	}
	options.DialTimeout = dialTimeout
	options.ReadTimeout = c.Timeout
	options.MaxOpenConns = c.Connections
	options.MaxIdleConns = c.Connections
	options.ConnMaxLifetime = time.Hour
	options.HttpMaxConnsPerHost = c.Connections
	options.Settings = c.Settings
	options.TransportFunc = func(t *http.Transport) (http.RoundTripper, error) { return summaryReader{t}, nil }
	return options, nil
}

func defaultPort(scheme string) string {
	if scheme == "https" {
		return "8443"
	}
	return "8123"
}

// compressions are the names that a configuration may use.
var compressions = map[string]clickhouse.CompressionMethod{
	"none": clickhouse.CompressionNone,
	"lz4":  clickhouse.CompressionLZ4,
	"zstd": clickhouse.CompressionZSTD,
	"gzip": clickhouse.CompressionGZIP,
}

func compression(name, host string) (*clickhouse.Compression, error) {
	if name == "" {
		name = "lz4"
		if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
			name = "none"
		}
	}
	method, known := compressions[name]
	if !known {
		return nil, fmt.Errorf("compression must be none, lz4, zstd or gzip (got %q)", name)
	}
	if method == clickhouse.CompressionNone {
		return nil, nil //nolint:nilnil // clickhouse-go's way to say none
	}
	return &clickhouse.Compression{Method: method}, nil
}
