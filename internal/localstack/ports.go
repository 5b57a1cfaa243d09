package localstack

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// portFree reports why a port cannot be listened on, or nil.
func portFree(host string, port int) error {
	listener, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return err
	}
	return listener.Close()
}

// requirePort fails with the name of the process that holds the port and the
// flag that chooses another one.
func requirePort(host string, port int, flag string) error {
	err := portFree(host, port)
	if err == nil {
		return nil
	}
	if !errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("listen on %s:%d: %w", host, port, err)
	}
	return fmt.Errorf("port %d is taken by %s: stop it, or choose another port with %s", port, portHolder(port), flag)
}

// keepPort returns the wanted port when it is free, and any free one otherwise.
func keepPort(wanted int) (int, error) {
	if wanted != 0 && portFree(loopback, wanted) == nil {
		return wanted, nil
	}
	return FreePort()
}

// The ports to choose from lie below those that systems give to outgoing
// connections and to listeners that name none: those could be taken before the
// server that is to have them starts.
const (
	lowestPort  = 16384
	highestPort = 32767
	portTries   = 1000
)

// FreePort is a TCP port of this machine that nobody listens on.
func FreePort() (int, error) {
	for range portTries {
		port := lowestPort + rand.IntN(highestPort-lowestPort+1) //nolint:gosec // a port is no secret
		if portFree(loopback, port) == nil {
			return port, nil
		}
	}
	return 0, fmt.Errorf("find a free port: %d tries between %d and %d failed", portTries, lowestPort, highestPort)
}

// portHolder names the process that listens on a port, as far as the kernel
// shows it to the caller.
func portHolder(port int) string {
	sockets := make(map[string]bool)
	for _, table := range [...]string{"/proc/net/tcp", "/proc/net/tcp6"} {
		listeningSockets(table, port, sockets)
	}
	links, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, link := range links {
		target, err := os.Readlink(link)
		if err != nil || !sockets[target] {
			continue
		}
		pid := strings.Split(link, "/")[2]
		name, _ := os.ReadFile(filepath.Join("/proc", pid, "comm"))
		return fmt.Sprintf("%s (process %s)", strings.TrimSpace(string(name)), pid)
	}
	return "another process (`ss -ltnp` as root names it)"
}

// listeningSockets adds the sockets of one kernel table that listen on the port,
// in the form in which /proc/<pid>/fd links to them.
func listeningSockets(table string, port int, sockets map[string]bool) {
	const listening = "0A"
	file, err := os.Open(table)
	if err != nil {
		return
	}
	defer file.Close()
	suffix := fmt.Sprintf(":%04X", port)
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) > 9 && fields[3] == listening && strings.HasSuffix(fields[1], suffix) {
			sockets["socket:["+fields[9]+"]"] = true
		}
	}
}
