package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// Dependencies are what the server needs of others.
type Dependencies struct {
	Version       string // of the program, for the description
	Logger        *slog.Logger
	Authenticator Authenticator
	// Denied hears of callers who lack a route's permission, for the audit trail
	// (ASVS 16.3.2). May be nil.
	Denied func(ctx context.Context, call queryserver.Call, route Route)
	// Checks are what the server cannot do without, by name, for /readyz. Each gets two
	// seconds.
	Checks  map[string]func(ctx context.Context) error
	Tracers trace.TracerProvider
	Meters  metric.MeterProvider
	// Metrics are what /metrics shows: the registry of the meters' Prometheus reader.
	Metrics prometheus.Gatherer
}

// Server is the public listener and the admin listener. Make it with New.
type Server struct {
	settings      Settings
	logger        *slog.Logger
	authenticator Authenticator
	denied        func(context.Context, queryserver.Call, Route)
	tracers       trace.TracerProvider
	meters        metric.MeterProvider
	cookies       Cookies
	proxies       proxies
	cors          cors
	cursors       *cursors
	router        *router
	routes        []Route
	ready         *readiness
	rates         *rates

	public, admin   *http.Server
	certificate     *certificate
	publicAt        net.Listener
	adminAt         net.Listener
	serving         sync.WaitGroup
	failed          chan error
	abandonRequests context.CancelFunc
	stopping        atomic.Bool
}

// New makes a server of the routes, and those of the description. It refuses settings
// and routes that are not whole, all at once.
func New(settings Settings, dependencies Dependencies, routes []Route) (*Server, error) {
	if err := settings.Validate(); err != nil {
		return nil, fmt.Errorf("check the settings of the HTTP API: %w", err)
	}
	s := &Server{
		settings: settings, logger: dependencies.Logger, authenticator: dependencies.Authenticator, denied: dependencies.Denied,
		tracers: dependencies.Tracers, meters: dependencies.Meters, cookies: NewCookies(settings),
		proxies: newProxies(settings.Proxies), cors: cors{settings.Origins}, cursors: newCursors(string(settings.CursorKey)),
		router: newRouter(), rates: newRates(settings.Limits.PublicPerMinute), ready: newReadiness(dependencies.Checks, dependencies.Logger), failed: make(chan error, 2),
	}
	if err := s.register(dependencies.Version, routes); err != nil {
		return nil, err
	}
	if err := s.loadCertificate(); err != nil {
		return nil, err
	}
	base, cancel := context.WithCancel(context.Background())
	s.abandonRequests = cancel
	s.public = s.newHTTPServer(s.handler(), base)
	s.public.WriteTimeout = settings.Limits.WriteTimeout
	if s.certificate != nil {
		s.public.TLSConfig = s.certificate.config()
	}
	s.admin = s.newHTTPServer(s.adminHandler(dependencies.Metrics), base)
	return s, nil
}

// newHTTPServer bounds what a client can hold. ReadTimeout also covers bodies that are
// refused unread, of which the server reads a little to keep the connection; it ends with
// the body and does not end the work.
func (s *Server) newHTTPServer(handler http.Handler, base context.Context) *http.Server { //nolint:revive // the context is a setting here
	limits := s.settings.Limits
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: limits.HeaderTimeout,
		ReadTimeout:       limits.HeaderTimeout + limits.BodyTimeout,
		IdleTimeout:       limits.IdleTimeout,
		MaxHeaderBytes:    limits.HeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.logger.Handler(), slog.LevelDebug), // what clients do wrong before they are a request
		BaseContext:       func(net.Listener) context.Context { return base },
	}
}

// Routes are all routes that are served, for tests that walk them.
func (s *Server) Routes() []Route { return s.routes }

// PublicAddr is where the public listener listens, after Start.
func (s *Server) PublicAddr() net.Addr { return s.publicAt.Addr() }

// AdminAddr is where the admin listener listens, after Start.
func (s *Server) AdminAddr() net.Addr { return s.adminAt.Addr() }

// Failed tells of a listener that has stopped by itself.
func (s *Server) Failed() <-chan error { return s.failed }

// Start listens on both addresses and serves. It returns when both are bound.
func (s *Server) Start(ctx context.Context) error {
	var listen net.ListenConfig
	var err error
	if s.publicAt, err = listen.Listen(ctx, "tcp", s.settings.Listen); err != nil {
		return fmt.Errorf("listen on the address of listen: %w", err)
	}
	if s.adminAt, err = listen.Listen(ctx, "tcp", s.settings.Admin); err != nil {
		return errors.Join(fmt.Errorf("listen on the address of admin: %w", err), s.publicAt.Close())
	}
	s.serve("admin", func() error { return s.admin.Serve(s.adminAt) })
	s.serve("public", func() error {
		if s.certificate == nil {
			return s.public.Serve(s.publicAt)
		}
		return s.public.ServeTLS(s.publicAt, "", "")
	})
	s.ready.set(true)
	s.logger.InfoContext(ctx, "HTTP API is listening", "public", s.PublicAddr().String(), "admin", s.AdminAddr().String(), "tls", s.certificate != nil)
	return nil
}

func (s *Server) serve(name string, serve func() error) {
	s.serving.Go(func() {
		if err := serve(); !errors.Is(err, http.ErrServerClosed) {
			s.ready.set(false)
			s.failed <- fmt.Errorf("serve the %s listener: %w", name, err)
		}
	})
}

// Shutdown stops: /readyz says no, requests under way are waited for, and after Drain, or
// the end of the context, what is left is cut off. Only then does the admin listener end.
func (s *Server) Shutdown(ctx context.Context) error {
	if !s.stopping.CompareAndSwap(false, true) {
		return nil
	}
	s.ready.set(false)
	pause(ctx, s.settings.Limits.DrainDelay)
	drain, cancel := context.WithTimeout(ctx, s.settings.Limits.Drain)
	defer cancel()
	err := s.public.Shutdown(drain)
	s.abandonRequests()
	if err != nil {
		err = fmt.Errorf("wait for the requests under way: %w", errors.Join(err, s.public.Close()))
	}
	err = errors.Join(err, s.admin.Close())
	s.serving.Wait()
	return err
}

func pause(ctx context.Context, length time.Duration) {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
