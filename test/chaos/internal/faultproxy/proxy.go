// Package faultproxy stands before an HTTP server, ClickHouse in the tests of faults,
// and breaks what passes through it: on purpose, at the moment that a test chooses.
package faultproxy

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
)

// Proxy forwards to one server.
type Proxy struct {
	Addr string // stays the same when it goes down and up

	forward http.Handler
	fault   atomic.Pointer[Fault]
	Inserts atomic.Int64 // seen so far
	Broken  atomic.Int64 // of which a fault did not just pass through
	Failed  atomic.Int64 // that the server or a fault answered with an error
	Active  atomic.Int64 // without an answer at the moment

	mu       sync.Mutex
	server   *http.Server // nil: down
	listener net.Listener
}

// New starts a proxy before the server at an address.
func New(upstream string) (*Proxy, error) {
	forward := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: upstream})
	forward.Transport = &http.Transport{MaxIdleConnsPerHost: 16, DisableCompression: true}
	forward.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { hangUp(w) }
	forward.FlushInterval = -1
	p := &Proxy{Addr: "127.0.0.1:0", forward: forward}
	p.Set(Pass)
	return p, p.Up()
}

// Up listens, again at the same address.
func (p *Proxy) Up() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server != nil {
		return nil
	}
	listener, err := net.Listen("tcp", p.Addr)
	if err != nil {
		return fmt.Errorf("open the fault proxy: %w", err)
	}
	p.Addr, p.listener = listener.Addr().String(), listener
	p.server = &http.Server{Handler: p}
	go p.server.Serve(listener) //nolint:errcheck // it ends when it is closed
	return nil
}

// Down cuts every connection and refuses new ones.
func (p *Proxy) Down() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server != nil {
		_ = p.listener.Close() // the server may not have begun to serve
		_ = p.server.Close()
		p.server = nil
	}
}

// Set chooses what happens to inserts from now on.
func (p *Proxy) Set(fault Fault) { p.fault.Store(&fault) }

// ServeHTTP implements http.Handler. Only inserts are broken, so that the check of
// the schema, which is another statement, stays out of it.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.URL.Query().Get("query"), "INSERT") {
		p.forward.ServeHTTP(w, r)
		return
	}
	p.Active.Add(1)
	defer p.Active.Add(-1)
	number := p.Inserts.Add(1)
	answer := &answer{ResponseWriter: w, failed: &p.Failed}
	if broken := (*p.fault.Load())(answer, r, p.forward, number); broken {
		p.Broken.Add(1)
	}
}

// answer counts errors.
type answer struct {
	http.ResponseWriter
	failed *atomic.Int64
}

func (a *answer) WriteHeader(code int) {
	if code >= http.StatusBadRequest {
		a.failed.Add(1)
	}
	a.ResponseWriter.WriteHeader(code)
}

// Unwrap lets a fault hijack the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// hangUp closes the connection without an answer.
func hangUp(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // there is no connection of its own: let the server close it
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
