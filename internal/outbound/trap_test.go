package outbound

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"
)

// trap listens on every address of this host and counts who comes.
type trap struct {
	port     string
	caught   atomic.Int64
	listener net.Listener
}

func newTrap(t *testing.T) *trap {
	t.Helper()
	listener, err := net.Listen("tcp", ":0")
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	caught := &trap{port: port, listener: listener}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			caught.caught.Add(1)
			connection.Close()
		}
	})
	t.Cleanup(func() { listener.Close(); serving.Wait() })
	return caught
}

// names is a DNS server. A name under nip.test is the IPv4 address that it spells,
// under ip6.test the IPv6 address; the others give their addresses by turns.
type names struct {
	mu     sync.Mutex
	listed map[string][]string
	asked  map[string]int
}

func newResolver(t *testing.T, listed map[string][]string) *net.Resolver {
	t.Helper()
	connection, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	server := &names{listed: listed, asked: make(map[string]int)}
	var serving sync.WaitGroup
	serving.Go(func() { server.serve(connection) })
	t.Cleanup(func() { connection.Close(); serving.Wait() })
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", connection.LocalAddr().String())
	}}
}

func (n *names) serve(connection net.PacketConn) {
	buffer := make([]byte, 1500)
	for {
		size, from, err := connection.ReadFrom(buffer)
		if err != nil {
			return
		}
		var query dnsmessage.Message
		if query.Unpack(buffer[:size]) != nil || len(query.Questions) != 1 {
			continue
		}
		if answer, err := n.answer(query).Pack(); err == nil {
			_, _ = connection.WriteTo(answer, from)
		}
	}
}

func (n *names) answer(query dnsmessage.Message) *dnsmessage.Message {
	question := query.Questions[0]
	message := &dnsmessage.Message{
		Header:    dnsmessage.Header{ID: query.ID, Response: true, RecursionAvailable: true},
		Questions: query.Questions,
	}
	address, err := netip.ParseAddr(n.lookUp(strings.TrimSuffix(question.Name.String(), "."), question.Type))
	if err != nil {
		message.RCode = dnsmessage.RCodeNameError
		return message
	}
	header := dnsmessage.ResourceHeader{Name: question.Name, Class: dnsmessage.ClassINET}
	switch {
	case question.Type == dnsmessage.TypeA && address.Is4():
		message.Answers = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.AResource{A: address.As4()}}}
	case question.Type == dnsmessage.TypeAAAA && address.Is6():
		message.Answers = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.AAAAResource{AAAA: address.As16()}}}
	}
	return message
}

func (n *names) lookUp(name string, kind dnsmessage.Type) string {
	if text, under := strings.CutSuffix(name, ".nip.test"); under {
		return strings.ReplaceAll(text, "-", ".")
	}
	if text, under := strings.CutSuffix(name, ".ip6.test"); under {
		return strings.ReplaceAll(text, "-", ":")
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	addresses := n.listed[name]
	if len(addresses) == 0 {
		return ""
	}
	turn := min(n.asked[name], len(addresses)-1)
	if kind == dnsmessage.TypeA {
		n.asked[name]++
	}
	return addresses[turn]
}
