package tenantotlpreceiver

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.uber.org/zap"

	"github.com/telemetryflow/telemetryflow/internal/receipt"
)

// The prefixes of the three path dialects. Under the API's own, JSON answers
// also name the job, which OTLP/JSON readers must ignore.
const (
	apiPrefix = "/api/v2/otlp/"
	v2Prefix  = "/v2/"
	v1Prefix  = "/v1/"
)

// httpHandler routes by exact path: http.ServeMux would answer unclean paths
// with a redirect, which is no answer of OTLP.
type httpHandler struct {
	*transport
	routes      map[string]route
	bodies      *bodyReader
	readTimeout time.Duration
}

type route struct {
	signal    *signal
	jobInBody bool
}

func (r *otlpReceiver) startHTTP(ctx context.Context, host component.Host) error {
	cfg := *r.config.Protocols.HTTP.Get()
	server := cfg.ServerConfig
	t, err := r.transport("http", server.MaxRequestBodySize)
	if err != nil {
		return err
	}
	if t.authenticator, err = server.Auth.Get().Config.GetServerAuthenticator(ctx, host.GetExtensions()); err != nil {
		return fmt.Errorf("protocols::http::auth: %w", err)
	}
	handler := newHTTPHandler(t, &cfg)
	// The handler authenticates and decompresses itself, in this order:
	// confighttp answers every refused caller with 401 and the error's text, and
	// every body that it cannot decompress with 400.
	server.Auth = configoptional.None[confighttp.AuthConfig]()
	server.CompressionAlgorithms = []string{}
	if r.http, err = server.ToServer(ctx, host.GetExtensions(), r.settings.TelemetrySettings, handler); err != nil {
		return fmt.Errorf("make the HTTP server: %w", err)
	}
	listener, err := server.ToListener(ctx)
	if err != nil {
		return fmt.Errorf("listen for HTTP: %w", err)
	}
	r.settings.Logger.Info("listening for OTLP/HTTP", zap.String("endpoint", listener.Addr().String()))
	r.serve(host, func() error { return r.http.Serve(listener) })
	return nil
}

func newHTTPHandler(t *transport, cfg *HTTPConfig) *httpHandler {
	h := &httpHandler{
		transport:   t,
		routes:      make(map[string]route),
		bodies:      newBodyReader(cfg.ServerConfig.CompressionAlgorithms, cfg.ServerConfig.MaxRequestBodySize),
		readTimeout: cfg.BodyReadTimeout,
	}
	for _, s := range t.signals {
		h.routes[apiPrefix+s.name.String()] = route{signal: s, jobInBody: true}
		h.routes[v2Prefix+s.name.String()] = route{signal: s}
		h.routes[v1Prefix+s.name.String()] = route{signal: s}
	}
	return h
}

func (h *httpHandler) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	start := time.Now()
	to, known := h.routes[req.URL.Path]
	if !known {
		h.telemetry.answered(req.Context(), h.name, nil, start, unknownPath())
		enc, _ := encodingOf(req.Header.Get("Content-Type"))
		writeRefusal(w, enc, unknownPath())
		return
	}
	req.Pattern = req.URL.Path // names the span of the HTTP server
	enc, r, refused := h.export(w, req, to.signal)
	h.telemetry.answered(req.Context(), h.name, to.signal, start, refused)
	if refused != nil {
		writeRefusal(w, enc, refused)
		return
	}
	writeSuccess(w, enc, to, r)
}

func (h *httpHandler) export(w http.ResponseWriter, req *http.Request, s *signal) (enc encoding, r *receipt.Receipt, refused *refusal) {
	defer h.recovered(&refused)
	enc, known := encodingOf(req.Header.Get("Content-Type"))
	// It stays in force for refusals: net/http reads what is left of a body
	// before it answers, and would wait for a client that sends no more.
	h.readBy(w, time.Now().Add(h.readTimeout))
	if req.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return enc, nil, wrongMethod()
	}
	if !known {
		return enc, nil, wrongContentType()
	}
	ctx, limit, refused := h.admit(req.Context(), req.Header, s)
	if limit.Limit > 0 {
		setLimitHeaders(w.Header(), limit)
	}
	if refused != nil {
		return enc, nil, refused
	}
	b, size, refused := h.receive(w, req, enc, s)
	if refused != nil {
		return enc, nil, refused
	}
	r, refused = h.consume(ctx, enc, s, b, size)
	return enc, r, refused
}

// receive reads and decodes the body. The buffer goes back to the pool before
// the pipeline runs, which may wait for a long time.
func (h *httpHandler) receive(w http.ResponseWriter, req *http.Request, enc encoding, s *signal) (batch, int, *refusal) {
	body, refused := h.bodies.read(req)
	if refused != nil {
		if refused.http == http.StatusUnsupportedMediaType {
			w.Header().Set("Accept-Encoding", h.bodies.accepted)
		}
		return batch{}, 0, refused
	}
	defer h.bodies.release(body)
	h.readBy(w, time.Time{}) // the pipeline may take longer than the body
	b, refused := h.decode(enc, s, body.Bytes())
	return b, body.Len(), refused
}

// readBy sets until when the body must have come; the zero time is no limit.
func (h *httpHandler) readBy(w http.ResponseWriter, deadline time.Time) {
	if h.readTimeout > 0 {
		// It fails only for writers without a connection.
		_ = http.NewResponseController(w).SetReadDeadline(deadline)
	}
}

func writeSuccess(w http.ResponseWriter, enc encoding, to route, r *receipt.Receipt) {
	body, err := answer(enc, to.signal, r)
	if err != nil {
		writeRefusal(w, enc, internal())
		return
	}
	if to.jobInBody && enc == encodingJSON {
		body = withJobID(body, r.ID())
	}
	w.Header().Set(jobIDHeader, r.ID())
	write(w, enc, http.StatusOK, body)
}

func writeRefusal(w http.ResponseWriter, enc encoding, refused *refusal) {
	if refused.http == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", challenge)
	}
	if delay, ok := retryDelay(refused.status); ok {
		w.Header().Set("Retry-After", strconv.Itoa(wholeSeconds(delay)))
	}
	body, err := enc.marshalStatus(refused.status.Proto())
	if err != nil { // details of another component that cannot be encoded
		body, _ = enc.marshalStatus(internal().status.Proto())
	}
	write(w, enc, refused.http, body)
}

func write(w http.ResponseWriter, enc encoding, code int, body []byte) {
	w.Header().Set("Content-Type", enc.contentType())
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_, _ = w.Write(body) // a client that is gone cannot be told so
}
