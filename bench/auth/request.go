//go:build linux

package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/otel/metric/noop"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/auth"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/jwt"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/password"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/seal"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/token"
	"github.com/telemetryflow/telemetryflow/queryserver/cache"
	"github.com/telemetryflow/telemetryflow/queryserver/mail"
)

// measureRequests takes the time of proving a caller, as the server does it for each
// request, with warm caches.
func measureRequests(t testing.TB, o *options, out io.Writer) error {
	d, err := startDatabases(t)
	if err != nil {
		return err
	}
	in, err := d.organization(t.Context(), "acme", 1)
	if err != nil {
		return err
	}
	service, err := newService(t, d)
	if err != nil {
		return err
	}
	proofs, err := proofsOf(t.Context(), d, service, in)
	if err != nil {
		return err
	}
	rounds := make(map[string][]float64)
	for range o.rounds {
		for _, name := range slices.Sorted(maps.Keys(proofs)) {
			took, err := repeat(t.Context(), o.calls, proofs[name])
			if err != nil {
				return fmt.Errorf("by %s: %w", name, err)
			}
			rounds[name] = append(rounds[name], microseconds(percentile(took, 95)))
		}
	}
	worst := 0.0
	for _, name := range slices.Sorted(maps.Keys(rounds)) {
		figure(out, "request_auth_us_"+name, median(rounds[name]))
		worst = max(worst, median(rounds[name]))
	}
	figure(out, "request_auth_us", worst)
	return nil
}

type proof func(ctx context.Context) (*queryserver.Call, error)

// proofsOf are the ways in, each with a credential that is good.
func proofsOf(ctx context.Context, d *databases, service *auth.Service, in *organization) (map[string]proof, error) {
	client := queryserver.Client{UserAgent: "bench"}
	attempt := queryserver.LoginAttempt{Email: in.users[0].email, Password: secret, Client: client}
	program, err := service.Login(ctx, attempt)
	if err != nil {
		return nil, err
	}
	attempt.Cookie = true
	browser, err := service.Login(ctx, attempt)
	if err != nil {
		return nil, err
	}
	call, err := service.ByAccessToken(ctx, program.Session.Tokens.Access, client)
	if err != nil {
		return nil, err
	}
	account, err := d.store.CreateServiceAccount(ctx, call, "grafana", []queryserver.Assignment{{Role: queryserver.RoleViewer, Tenant: in.tenant.Tenant}})
	if err != nil {
		return nil, err
	}
	secret := token.New(token.ServiceAccount)
	made := queryserver.Token{Name: "bench"}
	if err := d.store.CreateToken(ctx, call, account, &made, queryserver.Hash(secret.Hash())); err != nil {
		return nil, err
	}
	return map[string]proof{
		"jwt": func(ctx context.Context) (*queryserver.Call, error) {
			return service.ByAccessToken(ctx, program.Session.Tokens.Access, client)
		},
		"cookie": func(ctx context.Context) (*queryserver.Call, error) {
			return service.ByCookie(ctx, browser.Session.Cookie, client)
		},
		"service_token": func(ctx context.Context) (*queryserver.Call, error) {
			return service.ByServiceToken(ctx, secret.Reveal(), tenant.Choice{}, client)
		},
	}, nil
}

// repeat proves a caller again and again, from a context of its own as requests do.
func repeat(ctx context.Context, n int, prove proof) ([]time.Duration, error) {
	took := make([]time.Duration, 0, n)
	for i := range n + n/10 {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		began := time.Now()
		call, err := prove(ctx)
		if i >= n/10 { // those before warm the caches
			took = append(took, time.Since(began))
		}
		cancel()
		if err == nil && !call.Scope.Allows(queryserver.LogsRead) {
			err = errors.New("the caller has no permissions")
		}
		if err != nil {
			return nil, err
		}
	}
	return took, nil
}

// newService makes what cmd/telemetryflow makes for a server.
func newService(t testing.TB, d *databases) (*auth.Service, error) {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	redisAt, err := redis.ParseURL(d.redis.URL)
	if err != nil {
		return nil, err
	}
	settings := cache.DefaultSettings()
	settings.Secret = make([]byte, 32)
	_, _ = rand.Read(settings.Secret)
	remembered, err := cache.New(settings, redisAt, logger, noop.Meter{})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = remembered.Close() })
	hasher, err := password.NewHasher(password.DefaultSettings())
	if err != nil {
		return nil, err
	}
	policy, err := password.NewPolicy(password.DefaultSettings())
	if err != nil {
		return nil, err
	}
	key := configopaque.String(base64.StdEncoding.EncodeToString(settings.Secret))
	sealer, err := seal.New(seal.Settings{Keys: []seal.KeySettings{{ID: "bench", Key: key}}})
	if err != nil {
		return nil, err
	}
	tokens := jwt.DefaultSettings()
	tokens.Issuer = "https://telemetry.example.com"
	ring, err := jwt.NewRing(t.Context(), d.store.SigningKeys(), sealer, tokens, logger)
	if err != nil {
		return nil, err
	}
	mailer, err := mail.New(mail.DefaultSettings(), logger)
	if err != nil {
		return nil, err
	}
	return auth.New(auth.DefaultSettings(), auth.Dependencies{
		Store: d.store, Authority: cache.NewAuthority(remembered, d.store), Hasher: hasher, Policy: policy, Sealer: sealer,
		Tokens: jwt.New(ring), Mailer: mailer, AccountKey: settings.Secret, Logger: logger,
	})
}
