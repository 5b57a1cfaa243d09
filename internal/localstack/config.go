package localstack

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
)

// DefaultDataDir is where a stack keeps its data: below the working directory.
const DefaultDataDir = ".data"

// The standard ports of OTLP.
const (
	DefaultGRPCPort = 4317
	DefaultHTTPPort = 4318
)

// DefaultQueryPort is the query server's.
const DefaultQueryPort = 8080

// Config says where the stack finds its programs and where it listens.
type Config struct {
	DataDir    string // everything the stack keeps
	ProgramDir string // holds telemetryflow and telemetryflow-collector
	ConfigDir  string // holds standalone.yaml, agent.yaml, self-telemetry.yaml and queryserver.yaml
	Libchdb    string // path of libchdb.so

	Listen   string // address of the OTLP ports
	Insecure bool   // allows a Listen address that others reach, without TLS
	GRPCPort int
	HTTPPort int

	QueryPort int // of the query server, on this machine alone
}

// Validate reports what is wrong, by the names of the flags of telemetryflow up.
func (c *Config) Validate() error {
	var faults []error
	address := net.ParseIP(c.Listen)
	switch {
	case address == nil:
		faults = append(faults, fmt.Errorf("--listen must be an IP address (got %q)", c.Listen))
	case !address.IsLoopback() && !c.Insecure:
		faults = append(faults, fmt.Errorf("--listen %s would carry API keys over the network in clear text: "+
			"put TLS in front (docs/deployment.md), or add --insecure", c.Listen))
	}
	for flag, port := range map[string]int{"--otlp-grpc-port": c.GRPCPort, "--otlp-http-port": c.HTTPPort, "--query-port": c.QueryPort} {
		if port < 1 || port > 65535 {
			faults = append(faults, fmt.Errorf("%s must be from 1 to 65535 (got %d)", flag, port))
		}
	}
	for _, needed := range [...]struct{ path, cure string }{
		{filepath.Join(c.ProgramDir, "telemetryflow-collector"), "run `make build`"},
		{filepath.Join(c.ConfigDir, "standalone.yaml"), "name the folder with --config-dir"},
		{c.Libchdb, "run `make setup`, or set TELEMETRYFLOW_LIBCHDB"},
	} {
		if _, err := os.Stat(needed.path); err != nil {
			faults = append(faults, fmt.Errorf("%w: %s", err, needed.cure))
		}
	}
	return errors.Join(faults...)
}

func (c *Config) otlp(port int) string { return net.JoinHostPort(c.Listen, strconv.Itoa(port)) }
