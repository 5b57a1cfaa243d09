package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"

	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/envprovider"
	"go.opentelemetry.io/collector/confmap/provider/fileprovider"
	"go.opentelemetry.io/collector/confmap/provider/yamlprovider"

	"github.com/telemetryflow/telemetryflow/internal/outbound"
	"github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/queryserver/auth"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/jwt"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/password"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/seal"
	"github.com/telemetryflow/telemetryflow/queryserver/cache"
	"github.com/telemetryflow/telemetryflow/queryserver/clickhouse"
	"github.com/telemetryflow/telemetryflow/queryserver/httpapi"
	"github.com/telemetryflow/telemetryflow/queryserver/mail"
	"github.com/telemetryflow/telemetryflow/queryserver/promql"
)

// queryServerConfig is config/queryserver.yaml, which says what each key is for.
type queryServerConfig struct {
	HTTP     httpapi.Settings  `mapstructure:"http"`
	Postgres serverConfig      `mapstructure:"postgres"`
	Redis    serverConfig      `mapstructure:"redis"`
	Secrets  seal.Settings     `mapstructure:"secrets"`
	Tokens   jwt.Settings      `mapstructure:"access_tokens"`
	Password password.Settings `mapstructure:"password"`
	Login    auth.Settings     `mapstructure:"login"`
	Mail     mail.Settings     `mapstructure:"mail"`
	Cache    cache.Settings    `mapstructure:"cache"`
	// ClickHouse holds the telemetry.
	ClickHouse clickhouse.Settings `mapstructure:"clickhouse"`
	Outbound   outbound.Settings   `mapstructure:"outbound"`
	PromQL     promql.Settings     `mapstructure:"promql"`
	Log        logConfig           `mapstructure:"log"`

	_ struct{}
}

type serverConfig struct {
	URL configopaque.String `mapstructure:"url"`

	_ struct{}
}

type logConfig struct {
	Level slog.Level `mapstructure:"level"`

	_ struct{}
}

// loadQueryServerConfig reads a file as the Collector reads its own. Unknown keys are
// errors.
func loadQueryServerConfig(ctx context.Context, file string) (*queryServerConfig, error) {
	resolver, err := confmap.NewResolver(confmap.ResolverSettings{
		URIs:              []string{"file:" + file},
		ProviderFactories: []confmap.ProviderFactory{fileprovider.NewFactory(), envprovider.NewFactory(), yamlprovider.NewFactory()},
		DefaultScheme:     "env",
	})
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	read, err := resolver.Resolve(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	config := defaultQueryServerConfig()
	if err := read.Unmarshal(config); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if err := errors.Join(config.complete(), config.validate()); err != nil {
		return nil, fmt.Errorf("%s:\n%w", file, err)
	}
	return config, nil
}

// defaultQueryServerConfig lacks what has no default: where the databases are, and secrets.
func defaultQueryServerConfig() *queryServerConfig {
	return &queryServerConfig{
		HTTP: httpapi.DefaultSettings(), Tokens: jwt.DefaultSettings(), Password: password.DefaultSettings(),
		Login: auth.DefaultSettings(), Mail: mail.DefaultSettings(), Cache: cache.DefaultSettings(), Outbound: outbound.Defaults(),
		ClickHouse: clickhouse.DefaultSettings(), PromQL: promql.DefaultSettings(),
	}
}

// complete fills in what follows from other keys.
func (c *queryServerConfig) complete() error {
	if c.HTTP.PublicURL == "" {
		scheme := "http"
		if c.HTTP.TLS.CertFile != "" {
			scheme = "https"
		}
		c.HTTP.PublicURL = scheme + "://" + c.HTTP.Listen
	}
	c.Login.PublicURL = c.HTTP.PublicURL
	if c.Tokens.Issuer == "" {
		c.Tokens.Issuer = c.HTTP.PublicURL
	}
	if c.HTTP.CursorKey == "" {
		key, err := c.Secrets.Derive("cursors")
		if err != nil {
			return fmt.Errorf("secrets: %w", err)
		}
		c.HTTP.CursorKey = configopaque.String(hex.EncodeToString(key))
	}
	secret, err := c.Secrets.Derive("cache")
	c.Cache.Secret = secret
	return err
}

// validate says all that is wrong, by the keys of the file.
func (c *queryServerConfig) validate() error {
	named := func(key string, err error) error {
		if err == nil {
			return nil
		}
		return fmt.Errorf("%s: %w", key, err)
	}
	return errors.Join(
		named("http", c.HTTP.Validate()),
		named("postgres: url", postgres.CheckURL(string(c.Postgres.URL))),
		named("secrets", c.Secrets.Validate()),
		named("access_tokens", c.Tokens.Validate()),
		named("password", c.Password.Validate()),
		named("login", c.Login.Validate()),
		named("mail", c.Mail.Validate()),
		named("clickhouse", c.ClickHouse.Validate()),
		named("outbound", c.Outbound.Validate()),
		named("promql", c.PromQL.Validate()),
		named("cache", c.Cache.Validate(c.Redis.URL != "")),
	)
}
