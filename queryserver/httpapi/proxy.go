package httpapi

import (
	"net/http"
	"net/netip"
	"strings"
)

// proxies are the networks whose word about a request is believed (ASVS 4.1.3, 15.3.4).
type proxies []netip.Prefix

func newProxies(texts []string) proxies {
	var known proxies
	for _, text := range texts {
		if prefix, err := netip.ParsePrefix(text); err == nil { // Validate has seen to it
			known = append(known, prefix.Masked())
		}
	}
	return known
}

func (p proxies) contain(address netip.Addr) bool {
	for _, prefix := range p {
		if prefix.Contains(address) {
			return true
		}
	}
	return false
}

// observe says where a request comes from, and takes from it what only a proxy may say.
func (p proxies) observe(r *http.Request) *exchange {
	e := &exchange{secure: r.TLS != nil, userAgent: r.UserAgent()}
	e.userAgent = e.userAgent[:min(len(e.userAgent), maxUserAgent)]
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		e.client = peer.Addr().Unmap()
	}
	if e.proxied = p.contain(e.client); e.proxied {
		e.client = p.client(e.client, r.Header.Values("X-Forwarded-For"))
		e.secure = e.secure || r.Header.Get("X-Forwarded-Proto") == "https"
		if id := r.Header.Get(requestIDHeader); validRequestID(id) {
			e.id = id
		}
	}
	if e.id == "" {
		e.id = newRequestID()
	}
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Forwarded-") || name == "Forwarded" || name == "X-Real-Ip" || name == requestIDHeader {
			delete(r.Header, name)
		}
	}
	return e
}

// client reads X-Forwarded-For from the right: each proxy of ours appended who spoke to
// it, so the first who is none of ours is the client. What stands further left is the
// client's own word.
func (p proxies) client(peer netip.Addr, forwarded []string) netip.Addr {
	hops := strings.Split(strings.Join(forwarded, ","), ",")
	for i := len(hops) - 1; i >= 0 && p.contain(peer); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			return peer
		}
		peer = hop.Unmap()
	}
	return peer
}
