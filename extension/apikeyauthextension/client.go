package apikeyauthextension

import (
	"context"
	"errors"
	"net"
	"net/http"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensionauth"
	"go.uber.org/zap"
	"google.golang.org/grpc/credentials"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
)

var (
	_ extension.Extension      = (*clientExtension)(nil)
	_ extensionauth.HTTPClient = (*clientExtension)(nil)
	_ extensionauth.GRPCClient = (*clientExtension)(nil)
)

var errPlaintext = errors.New("the API key is not sent in plain text to another machine: " +
	"use https, or set `client::allow_insecure: true` on the api_key_auth extension")

var errRedirect = errors.New("the endpoint redirects, and the API key is not sent on: configure the final endpoint")

// clientExtension adds a key to outgoing calls.
type clientExtension struct {
	config *ClientConfig
	secret *secretFile // nil: the secret is in the configuration
}

func newClient(logger *zap.Logger, config *ClientConfig) *clientExtension {
	c := &clientExtension{config: config}
	if config.KeySecretFile != "" {
		c.secret = newSecretFile(config.KeySecretFile, config.KeyID, logger)
	}
	return c
}

// Start reads the secret file, so that a wrong one is noticed at once.
func (c *clientExtension) Start(context.Context, component.Host) error {
	_, err := c.currentSecret()
	return err
}

// Shutdown has nothing to end.
func (c *clientExtension) Shutdown(context.Context) error { return nil }

func (c *clientExtension) currentSecret() (string, error) {
	if c.secret == nil {
		return string(c.config.KeySecret), nil
	}
	return c.secret.read()
}

// RoundTripper adds the key to HTTP requests.
func (c *clientExtension) RoundTripper(base http.RoundTripper) (http.RoundTripper, error) {
	return &roundTripper{base: base, client: c}, nil
}

type roundTripper struct {
	base   http.RoundTripper
	client *clientExtension
}

// RoundTrip refuses a request that would show the key on the network, and a
// redirect, whose target the operator has not chosen.
func (r *roundTripper) RoundTrip(request *http.Request) (*http.Response, error) {
	secret, err := r.client.currentSecret()
	if request.URL.Scheme != "https" && !isLoopback(request.URL.Hostname()) && !r.client.config.AllowInsecure {
		err = errPlaintext
	}
	if request.Response != nil { // set in requests that follow a redirect
		err = errRedirect
	}
	if err != nil {
		if request.Body != nil {
			_ = request.Body.Close() // as the interface demands
		}
		return nil, err
	}
	authenticated := request.Clone(request.Context())
	authenticated.Header.Set(apikey.IDHeader, r.client.config.KeyID)
	authenticated.Header.Set(apikey.SecretHeader, secret)
	return r.base.RoundTrip(authenticated)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// PerRPCCredentials adds the key to gRPC calls.
func (c *clientExtension) PerRPCCredentials() (credentials.PerRPCCredentials, error) {
	return &rpcCredentials{client: c}, nil
}

type rpcCredentials struct{ client *clientExtension }

// GetRequestMetadata returns the key.
func (r *rpcCredentials) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	secret, err := r.client.currentSecret()
	if err != nil {
		return nil, err
	}
	return map[string]string{"x-api-key-id": r.client.config.KeyID, "x-api-key-secret": secret}, nil
}

// RequireTransportSecurity makes the exporter fail at its start without TLS.
// gRPC does not tell credentials the peer's address, so loopback is no exception.
func (r *rpcCredentials) RequireTransportSecurity() bool { return !r.client.config.AllowInsecure }
