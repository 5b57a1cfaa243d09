package tenantotlpreceiver

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configgrpc"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/confmap"
)

const (
	// defaultMaxBodyMiB is the limit of a request body, before and after
	// decompression: what the OTLP specification recommends.
	defaultMaxBodyMiB = 64
	// defaultMaxValueDepth allows what real instrumentation nests many times
	// over, and keeps recursion over values shallow in every later component.
	defaultMaxValueDepth = 128
	// maxMaxValueDepth keeps the setting itself from inviting a stack overflow.
	maxMaxValueDepth = 1000
	// defaultBodyReadTimeout is how long a client may take to send a body.
	defaultBodyReadTimeout = 30 * time.Second
	// defaultDrainTimeout is how long a shutdown waits for requests in flight:
	// below the 30 s that container platforms grant.
	defaultDrainTimeout = 20 * time.Second
	// grpcReadBuffer is the stock receiver's: large messages need fewer reads.
	grpcReadBuffer = 512 * 1024
)

// Config of the receiver.
type Config struct {
	// Protocols are the servers to run; one at least.
	Protocols Protocols `mapstructure:"protocols"`

	// MaxValueDepth is how many arrays and maps may be nested in one attribute
	// value or log body. A request beyond it is refused whole. Default 128.
	MaxValueDepth int `mapstructure:"max_value_depth"`

	// DrainTimeout is how long a shutdown waits for requests in flight before
	// it closes their connections. Default 20s.
	DrainTimeout time.Duration `mapstructure:"drain_timeout"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// Protocols are the transports of OTLP.
type Protocols struct {
	GRPC configoptional.Optional[configgrpc.ServerConfig] `mapstructure:"grpc"`
	HTTP configoptional.Optional[HTTPConfig]              `mapstructure:"http"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// HTTPConfig of the OTLP/HTTP server.
type HTTPConfig struct {
	ServerConfig confighttp.ServerConfig `mapstructure:",squash"`

	// BodyReadTimeout is how long a client may take to send a request body.
	// Zero means no limit. Default 30s.
	BodyReadTimeout time.Duration `mapstructure:"body_read_timeout"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var (
	_ component.Config    = (*Config)(nil)
	_ confmap.Unmarshaler = (*HTTPConfig)(nil)
)

// Unmarshal refuses unknown keys, which confighttp's own Unmarshal ignores: a
// misspelt limit must not leave the default in force. It decodes once into a twin
// without that method, for its verdict only.
func (c *HTTPConfig) Unmarshal(conf *confmap.Conf) error {
	type server confighttp.ServerConfig
	type settings struct {
		ServerConfig    server        `mapstructure:",squash"`
		BodyReadTimeout time.Duration `mapstructure:"body_read_timeout"`
	}
	var strict settings
	if err := conf.Unmarshal(&strict); err != nil {
		return err
	}
	return conf.Unmarshal(c)
}

func createDefaultConfig() component.Config {
	grpc := configgrpc.NewDefaultServerConfig()
	grpc.NetAddr.Endpoint = "localhost:4317"
	grpc.ReadBufferSize = grpcReadBuffer
	grpc.MaxRecvMsgSizeMiB = defaultMaxBodyMiB

	http := confighttp.NewDefaultServerConfig()
	http.NetAddr.Endpoint = "localhost:4318"
	http.MaxRequestBodySize = defaultMaxBodyMiB << 20
	// An answer may have to wait for the exporter's acknowledgement; the client
	// bounds that by its own timeout.
	http.WriteTimeout = 0

	return &Config{
		Protocols: Protocols{
			GRPC: configoptional.Default(grpc),
			HTTP: configoptional.Default(HTTPConfig{ServerConfig: http, BodyReadTimeout: defaultBodyReadTimeout}),
		},
		MaxValueDepth: defaultMaxValueDepth,
		DrainTimeout:  defaultDrainTimeout,
	}
}

// Validate checks the configuration and reports all its faults.
func (c *Config) Validate() error {
	var faults []error
	if !c.Protocols.GRPC.HasValue() && !c.Protocols.HTTP.HasValue() {
		faults = append(faults, errors.New("protocols: set grpc, http or both"))
	}
	if grpc := c.Protocols.GRPC.Get(); grpc != nil {
		faults = append(faults, validateGRPC(grpc))
	}
	if http := c.Protocols.HTTP.Get(); http != nil {
		faults = append(faults, validateHTTP(http))
	}
	if c.MaxValueDepth < 1 || c.MaxValueDepth > maxMaxValueDepth {
		faults = append(faults, fmt.Errorf("max_value_depth must be between 1 and %d (got %d)", maxMaxValueDepth, c.MaxValueDepth))
	}
	if c.DrainTimeout <= 0 {
		faults = append(faults, fmt.Errorf("drain_timeout must be positive (got %s)", c.DrainTimeout))
	}
	return errors.Join(faults...)
}

func validateGRPC(c *configgrpc.ServerConfig) error {
	var faults []error
	if !c.Auth.HasValue() {
		faults = append(faults, missingAuth("grpc"))
	}
	if c.MaxRecvMsgSizeMiB <= 0 {
		faults = append(faults, fmt.Errorf("protocols::grpc::max_recv_msg_size_mib must be positive (got %d)", c.MaxRecvMsgSizeMiB))
	}
	return errors.Join(faults...)
}

func validateHTTP(c *HTTPConfig) error {
	var faults []error
	if auth := c.ServerConfig.Auth.Get(); auth == nil {
		faults = append(faults, missingAuth("http"))
	} else if len(auth.RequestParameters) > 0 {
		faults = append(faults, errors.New("protocols::http::auth::request_params is not supported: "+
			"a credential in a URL ends in access logs; send it in a header"))
	}
	if c.ServerConfig.MaxRequestBodySize <= 0 {
		faults = append(faults, fmt.Errorf("protocols::http::max_request_body_size must be positive (got %d)", c.ServerConfig.MaxRequestBodySize))
	}
	for _, name := range c.ServerConfig.CompressionAlgorithms {
		if !slices.Contains(contentCodings, name) {
			faults = append(faults, fmt.Errorf("protocols::http::compression_algorithms: %q is not one of %s (%q is no compression)",
				name, strings.Join(contentCodings[1:], ", "), ""))
		}
	}
	if c.BodyReadTimeout < 0 {
		faults = append(faults, fmt.Errorf("protocols::http::body_read_timeout must not be negative (got %s)", c.BodyReadTimeout))
	}
	return errors.Join(faults...)
}

func missingAuth(protocol string) error {
	return fmt.Errorf("protocols::%s::auth is required: name the extension that checks API keys, "+
		"for example `auth: {authenticator: api_key_auth}`", protocol)
}
