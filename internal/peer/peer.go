// Package peer says which servers a program may speak to in the clear.
package peer

import (
	"net"
	"strings"
)

// InsecureParameter in a URL of PostgreSQL or Redis lets a program speak to another
// machine without TLS, or without looking at its certificate (ASVS 12.3.2).
const InsecureParameter = "insecure"

// Local says whether a host is this machine: a folder or a name of unix sockets, a
// loopback address, localhost. What is said to it crosses no network.
func Local(host string) bool {
	if host == "" || strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@") || strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return ip != nil && ip.IsLoopback()
}
