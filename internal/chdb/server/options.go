package server

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/chdb"
)

// Options are the settings of the HTTP front. Zero values take the defaults.
type Options struct {
	User     string // with Password: basic auth, X-ClickHouse-User/Key, or user and password in the URL
	Password string
	Token    string // Authorization: Bearer

	AllowOutside bool // SQL may reach files, the network and other programs

	MaxExecutionTime time.Duration // of a statement whose client names none; default DefaultMaxExecutionTime
	MaxMemoryUsage   uint64        // bytes, likewise; 0 leaves it to the engine's own limit
	MaxBody          int64         // bytes after decompression; default DefaultMaxBody
	MaxQuery         int64         // bytes of SQL text; default DefaultMaxQuery
	MaxBuffered      int64         // bytes of a result held back; default DefaultMaxBuffered
	StallTimeout     time.Duration // default DefaultStallTimeout
	SessionTimeout   time.Duration // default DefaultSessionTimeout
}

// Defaults of Options.
const (
	// DefaultMaxExecutionTime ends what nobody waits for any more; migrations
	// and exports name their own.
	DefaultMaxExecutionTime = 5 * time.Minute
	// DefaultMaxBody is four times the exporter's largest block.
	DefaultMaxBody = 1 << 30
	// DefaultMaxQuery leaves room for long IN lists; ClickHouse's own
	// max_query_size (256 KiB) still judges what is parsed.
	DefaultMaxQuery = 16 << 20
	// DefaultMaxBuffered bounds the results that cannot be streamed: with
	// wait_end_of_query, and of formats such as JSON.
	DefaultMaxBuffered = 256 << 20
	// DefaultStallTimeout is how long a client may neither read nor write
	// before its statement is cancelled: it holds a connection others wait for.
	DefaultStallTimeout = 10 * time.Second
	// DefaultSessionTimeout is ClickHouse's default_session_timeout.
	DefaultSessionTimeout = time.Minute
)

func (o Options) withDefaults() Options {
	setDefault(&o.MaxExecutionTime, DefaultMaxExecutionTime)
	setDefault(&o.MaxBody, DefaultMaxBody)
	setDefault(&o.MaxQuery, DefaultMaxQuery)
	setDefault(&o.MaxBuffered, DefaultMaxBuffered)
	setDefault(&o.StallTimeout, DefaultStallTimeout)
	setDefault(&o.SessionTimeout, DefaultSessionTimeout)
	return o
}

func setDefault[T comparable](value *T, fallback T) {
	var zero T
	if *value == zero {
		*value = fallback
	}
}

// settings are what every statement runs with unless its client says other.
func (o Options) settings() chdb.Settings {
	settings := chdb.Settings{
		"async_insert":       "0", // an answer means stored
		"max_execution_time": strconv.Itoa(int(o.MaxExecutionTime.Seconds())),
	}
	if o.MaxMemoryUsage > 0 {
		settings["max_memory_usage"] = strconv.FormatUint(o.MaxMemoryUsage, 10)
	}
	return settings
}

// CheckListen refuses an address that others can reach, unless allowed: the
// engine has one user, who may do everything to the data, so only this machine
// may speak to it.
func CheckListen(address string, allowRemote bool) error {
	if allowRemote {
		return nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("listen address %q: %w", address, err)
	}
	if host == "localhost" {
		return nil
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("listen address %q is not a loopback address: use 127.0.0.1 or a unix socket, or --allow-remote if a firewall guards it", address)
}

// open says that no credential is asked for.
func (o Options) open() bool { return o.Password == "" && o.Token == "" }

// CheckRemote refuses to serve others without a credential.
func (o Options) CheckRemote() error {
	if o.open() {
		return errors.New("--allow-remote needs a credential: set a password or a token")
	}
	return nil
}
