package apikeytest

import (
	"io"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// Gate stands before PostgreSQL and lets connections through while it is open.
type Gate struct {
	URL string // of the database, through the gate

	socket string
	mu     sync.Mutex // guards the rest
	open   bool
	conns  []net.Conn
	served sync.WaitGroup
}

// NewGate makes an open gate before a database.
func NewGate(t testing.TB, url string) *Gate {
	t.Helper()
	path, config := socket(t, url)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	g := &Gate{socket: path, open: true}
	g.URL = "postgres://" + config.User + "@" + listener.Addr().String() + "/" + config.Database + "?sslmode=disable"
	g.served.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			g.serve(conn)
		}
	})
	t.Cleanup(func() { _ = listener.Close(); g.Close(); g.served.Wait() })
	return g
}

func (g *Gate) serve(conn net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.open {
		_ = conn.Close()
		return
	}
	upstream, err := net.Dial("unix", g.socket)
	if err != nil {
		_ = conn.Close()
		return
	}
	g.conns = append(g.conns, conn, upstream)
	g.served.Go(func() { _, _ = io.Copy(upstream, conn); _ = upstream.Close() })
	g.served.Go(func() { _, _ = io.Copy(conn, upstream); _ = conn.Close() })
}

// Open lets connections through.
func (g *Gate) Open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = true
}

// Close cuts every connection and lets none through.
func (g *Gate) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = false
	for _, conn := range g.conns {
		_ = conn.Close()
	}
	g.conns = nil
}
