package httpapi

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// checkTimeout bounds one readiness check: less than the second or so that load
// balancers wait, twice over.
const checkTimeout = 2 * time.Second

// adminHandler serves what is for operators alone (ASVS 13.4.2, 13.4.5).
func (s *Server) adminHandler(metrics prometheus.Gatherer) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answerHealth(w, http.StatusOK, health{Status: "alive"})
	})
	mux.Handle("GET /readyz", s.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

// health is what /healthz and /readyz answer.
type health struct {
	Status string            `json:"status"` // alive, ready or not ready
	Checks map[string]string `json:"checks,omitempty"`
}

func answerHealth(w http.ResponseWriter, status int, body health) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the prober has left
}

// readiness is whether requests should be sent here: not before Start nor after
// Shutdown, and not without what the checks name.
type readiness struct {
	serving atomic.Bool
	checks  map[string]func(context.Context) error
	logger  *slog.Logger
}

func newReadiness(checks map[string]func(context.Context) error, logger *slog.Logger) *readiness {
	return &readiness{checks: checks, logger: logger}
}

func (r *readiness) set(serving bool) { r.serving.Store(serving) }

// ServeHTTP says which checks failed; why is for the log.
func (r *readiness) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	ctx, cancel := context.WithTimeout(request.Context(), checkTimeout)
	defer cancel()
	body := health{Status: "ready", Checks: map[string]string{}}
	var mu sync.Mutex
	var checking sync.WaitGroup
	for name, check := range r.checks {
		checking.Go(func() {
			err := check(ctx)
			mu.Lock()
			defer mu.Unlock()
			body.Checks[name] = "ok"
			if err != nil {
				body.Checks[name], body.Status = "failed", "not ready"
				r.logger.WarnContext(ctx, "readiness check failed", "check", name, "error", err)
			}
		})
	}
	checking.Wait()
	if !r.serving.Load() {
		body.Status = "not ready"
	}
	if body.Status != "ready" {
		answerHealth(w, http.StatusServiceUnavailable, body)
		return
	}
	answerHealth(w, http.StatusOK, body)
}
