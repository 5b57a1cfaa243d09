package outbound

import "net/netip"

// special are the networks without public hosts inside the space that addresses are
// given from: the IANA registries of special-purpose addresses (RFC 6890) and
// multicast. Of IPv6 only 2000::/3 is given at all, which excludes loopback, unique
// local, link-local, IPv4-compatible and NAT64 addresses.
var special = prefixes(
	"0.0.0.0/8",       // this network; on Linux this host
	"10.0.0.0/8",      // private
	"100.64.0.0/10",   // shared by carriers (CGNAT)
	"127.0.0.0/8",     // loopback
	"169.254.0.0/16",  // link-local, metadata of clouds
	"172.16.0.0/12",   // private
	"192.0.0.0/24",    // protocol assignments
	"192.0.2.0/24",    // documentation
	"192.88.99.0/24",  // relays of 6to4
	"192.168.0.0/16",  // private
	"198.18.0.0/15",   // benchmarks
	"198.51.100.0/24", // documentation
	"203.0.113.0/24",  // documentation
	"224.0.0.0/4",     // multicast
	"240.0.0.0/4",     // reserved, broadcast
	"2001::/23",       // protocol assignments, among them Teredo, which embeds IPv4
	"2001:db8::/32",   // documentation
	"2002::/16",       // 6to4, which embeds IPv4
	"3fff::/20",       // documentation
)

// given is the space of IPv6 that public addresses come from.
var given = netip.MustParsePrefix("2000::/3")

// metadata are where clouds hand out credentials to whoever asks from inside. They
// are refused even when an allowed network contains them.
var metadata = addresses(
	"169.254.169.254", // AWS, Azure, Google, Oracle and others
	"169.254.170.2",   // AWS, of containers
	"169.254.170.23",  // AWS, of pods
	"168.63.129.16",   // Azure, in public space
	"100.100.100.200", // Alibaba
	"192.0.0.192",     // Oracle, classic
	"fd00:ec2::254",   // AWS
	"fd00:ec2::23",    // AWS, of pods
	"fd20:ce::254",    // Google
)

// Public says whether an address belongs to the public internet.
func Public(address netip.Addr) bool {
	address = plain(address)
	if !address.IsValid() || metadata[address] || address.Is6() && !given.Contains(address) {
		return false
	}
	return !within(special, address)
}

// plain is an address as it is routed: an IPv4 address that is written as IPv6 is the
// IPv4 address, and a zone changes nothing.
func plain(address netip.Addr) netip.Addr { return address.Unmap().WithZone("") }

func within(networks []netip.Prefix, address netip.Addr) bool {
	for _, network := range networks {
		if network.Contains(address) {
			return true
		}
	}
	return false
}

func prefixes(texts ...string) []netip.Prefix {
	parsed := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		parsed[i] = netip.MustParsePrefix(text)
	}
	return parsed
}

func addresses(texts ...string) map[netip.Addr]bool {
	parsed := make(map[netip.Addr]bool, len(texts))
	for _, text := range texts {
		parsed[netip.MustParseAddr(text)] = true
	}
	return parsed
}
