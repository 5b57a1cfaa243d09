package outbound

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPublic(t *testing.T) {
	t.Parallel()
	for text, public := range map[string]bool{
		"8.8.8.8": true, "93.184.216.34": true, "100.63.255.255": true, "100.128.0.0": true, "172.15.255.255": true,
		"172.32.0.0": true, "169.253.255.255": true, "11.0.0.0": true, "2606:4700::1111": true, "2a00:1450:4001::1": true,
		"::ffff:8.8.8.8": true,
		"9.255.255.255":  true, "10.0.0.0": false, "10.255.255.255": false, "127.0.0.1": false, "0.0.0.0": false,
		"::ffff:10.0.0.1": false, "::": false, "::1": false, "fe80::1%eth0": false, "fc00::": false, "fdff::1": false,
		"64:ff9b::8.8.8.8": false, "2002:808:808::": false, "2001::1": false, "2001:db8::": false, "ff0e::1": false,
		"168.63.129.16": false, "168.63.129.17": true, "4000::1": false, "1fff::1": false, "2001:200::1": true,
	} {
		require.Equal(t, public, Public(netip.MustParseAddr(text)), text)
	}
	require.False(t, Public(netip.Addr{}))
}

// Metadata of clouds stays refused in the widest allowed network.
func TestGuard_MetadataNeverAllowed(t *testing.T) {
	t.Parallel()
	all := guard{ports: []uint16{80}, allow: prefixes("0.0.0.0/0", "::/0")}
	require.NoError(t, all.check(netip.MustParseAddrPort("10.0.0.1:80")))
	for address := range metadata {
		require.ErrorIs(t, all.check(netip.AddrPortFrom(address, 80)), ErrRefused)
	}
	require.ErrorIs(t, all.check(netip.MustParseAddrPort("[::ffff:169.254.169.254]:80")), ErrRefused)
	require.ErrorIs(t, all.control(t.Context(), "udp4", "10.0.0.1:80", nil), ErrRefused)
	require.ErrorIs(t, all.control(t.Context(), "unix", "/var/run/docker.sock", nil), ErrRefused)
}

// A public address of this host leads to its own listeners.
func TestGuard_OwnAddress(t *testing.T) {
	t.Parallel()
	own, err := net.InterfaceAddrs()
	require.NoError(t, err)
	require.NotEmpty(t, own)
	for _, item := range own {
		prefix, err := netip.ParsePrefix(item.String())
		require.NoError(t, err)
		require.ErrorIs(t, notOwn(plain(prefix.Addr())), ErrRefused)
	}
	require.NoError(t, notOwn(netip.MustParseAddr("93.184.216.34")))
}

func TestSettings_Validate(t *testing.T) {
	t.Parallel()
	defaults := Defaults()
	require.NoError(t, defaults.Validate())
	for key, change := range map[string]func(*Settings){
		"allow":    func(s *Settings) { s.Allow = []netip.Prefix{netip.MustParsePrefix("10.0.0.1/8")} },
		"ports":    func(s *Settings) { s.Ports = nil },
		"timeout":  func(s *Settings) { s.Timeout = -time.Second },
		"max_body": func(s *Settings) { s.MaxBody = 0 },
	} {
		settings := Defaults()
		change(&settings)
		require.ErrorContains(t, settings.Validate(), key+": ")
	}
	mapped := Defaults()
	mapped.Allow = []netip.Prefix{netip.MustParsePrefix("::ffff:10.0.0.0/104")}
	require.ErrorContains(t, mapped.Validate(), "IPv4")
}

func TestSettings_CheckURL(t *testing.T) {
	t.Parallel()
	settings := Defaults()
	require.NoError(t, settings.CheckURL("https://hooks.example.com/x?y=z"))
	require.NoError(t, settings.CheckURL("https://hooks.example.com:443"))
	for raw, says := range map[string]string{
		"http://example.com": "https://", "https://a:b@example.com": "password", "https://": "host",
		"https://example.com:8443": "port 8443", "https://example.com:99999": "port", "https://exa mple.com": "URL", "": "https://",
	} {
		require.ErrorContains(t, settings.CheckURL(raw), says, raw)
	}
}
