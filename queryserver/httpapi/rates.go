package httpapi

import (
	"net/netip"
	"sync"
	"time"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// rates bound how often a network may call public routes, where secrets are tried and
// e-mails are asked for (ASVS 2.4.1). It is GCRA: of a network it remembers the time until
// which its share is used up.
type rates struct {
	perMinute int // 0: no limit
	now       func() time.Time

	mu   sync.Mutex
	used map[netip.Prefix]time.Time
}

// maxNetworks are remembered at once: some 10 MB. Past them those are forgotten whose
// share is whole again, and else all: then a flood from everywhere is not held back here.
const maxNetworks = 100_000

func newRates(perMinute int) *rates {
	return &rates{perMinute: perMinute, now: time.Now, used: make(map[netip.Prefix]time.Time)}
}

// take is TooMany for a network that has used up its share of the last minute.
func (r *rates) take(client netip.Addr) error {
	if r.perMinute == 0 || !client.IsValid() {
		return nil
	}
	network, now := networkOf(client), r.now()
	interval := time.Minute / time.Duration(r.perMinute)
	r.mu.Lock()
	defer r.mu.Unlock()
	used := r.used[network]
	if used.Before(now) {
		used = now
	}
	used = used.Add(interval)
	if over := used.Sub(now) - time.Minute; over > 0 {
		return &queryserver.Error{Code: queryserver.TooMany, Message: "too many requests come from this network; try again later", RetryAfter: over}
	}
	r.makeRoom(now)
	r.used[network] = used
	return nil
}

func (r *rates) makeRoom(now time.Time) {
	if len(r.used) < maxNetworks {
		return
	}
	for network, used := range r.used {
		if !used.After(now) {
			delete(r.used, network)
		}
	}
	if len(r.used) >= maxNetworks {
		clear(r.used)
	}
}

// networkOf is an address of IPv4, or what one customer has of IPv6 (RFC 6177).
func networkOf(client netip.Addr) netip.Prefix {
	bits := 64
	if client.Is4() {
		bits = 32
	}
	network, _ := client.Prefix(bits) // the bits fit the address
	return network
}
