package faultproxy

import (
	"fmt"
	"net"
	"sync"
)

// Pipe stands before a server of any protocol. It can be cut, and it can hang: its
// connections stay open, and nothing passes.
type Pipe struct {
	Addr string

	network, upstream string
	listener          net.Listener
	served            sync.WaitGroup

	mu     sync.Mutex
	moves  *sync.Cond // frozen has changed
	frozen bool
	cut    bool
	conns  []net.Conn
}

// NewPipe starts a pipe before a server, such as one on a "unix" socket.
func NewPipe(network, upstream string) (*Pipe, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open the pipe: %w", err)
	}
	p := &Pipe{Addr: listener.Addr().String(), network: network, upstream: upstream, listener: listener}
	p.moves = sync.NewCond(&p.mu)
	p.served.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			p.serve(conn)
		}
	})
	return p, nil
}

func (p *Pipe) serve(conn net.Conn) {
	upstream, err := net.Dial(p.network, p.upstream)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil || p.cut {
		_ = conn.Close()
		if err == nil {
			_ = upstream.Close()
		}
		return
	}
	p.conns = append(p.conns, conn, upstream)
	p.served.Go(func() { p.copy(upstream, conn) })
	p.served.Go(func() { p.copy(conn, upstream) })
}

func (p *Pipe) copy(to, from net.Conn) {
	defer to.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		p.mu.Lock()
		for p.frozen {
			p.moves.Wait()
		}
		p.mu.Unlock()
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// Cut ends every connection, and every new one at once.
func (p *Pipe) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = true
	for _, conn := range p.conns {
		_ = conn.Close()
	}
	p.conns = nil
}

// Mend lets new connections through.
func (p *Pipe) Mend() { p.set(func() { p.cut = false }) }

// Freeze lets nothing pass.
func (p *Pipe) Freeze() { p.set(func() { p.frozen = true }) }

// Thaw lets everything pass, what has waited first.
func (p *Pipe) Thaw() { p.set(func() { p.frozen = false }) }

func (p *Pipe) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
	p.moves.Broadcast()
}

// Close ends the pipe.
func (p *Pipe) Close() {
	_ = p.listener.Close()
	p.Thaw()
	p.Cut()
	p.served.Wait()
}
