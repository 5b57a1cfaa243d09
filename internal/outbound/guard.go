package outbound

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"
)

// ErrRefused means that a call was not made because of where it would have gone. The
// text says where, so it is for the log and not for who chose the URL.
var ErrRefused = errors.New("refused by the outbound guard")

// guard judges addresses at the moment they are dialled.
type guard struct {
	allow []netip.Prefix
	ports []uint16
}

// control is a net.Dialer's ControlContext: it runs after names are resolved, once for
// each address that is tried, before the connection is made.
func (g guard) control(_ context.Context, network, address string, _ syscall.RawConn) error {
	if network != "tcp4" && network != "tcp6" {
		return fmt.Errorf("%w: the network %s", ErrRefused, network)
	}
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return g.check(target)
}

func (g guard) check(target netip.AddrPort) error {
	address := plain(target.Addr())
	switch {
	case !slices.Contains(g.ports, target.Port()):
		return fmt.Errorf("%w: port %d is not among the ports that may be called", ErrRefused, target.Port())
	case metadata[address]:
		return fmt.Errorf("%w: %s hands out credentials", ErrRefused, address)
	case within(g.allow, address):
		return nil
	case !Public(address):
		return fmt.Errorf("%w: %s is not public; name its network in allow to call it", ErrRefused, address)
	}
	return notOwn(address)
}

// notOwn refuses the addresses of this host, whose services may trust it.
func notOwn(address netip.Addr) error {
	own, err := net.InterfaceAddrs()
	if err != nil {
		return fmt.Errorf("%w: list the addresses of this host: %w", ErrRefused, err)
	}
	for _, item := range own {
		if prefix, err := netip.ParsePrefix(item.String()); err == nil && plain(prefix.Addr()) == address {
			return fmt.Errorf("%w: %s is an address of this host", ErrRefused, address)
		}
	}
	return nil
}
