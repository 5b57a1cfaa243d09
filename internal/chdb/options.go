package chdb

import (
	"runtime"
	"strconv"
	"time"
)

// Class is a kind of work with connections of its own, so that no kind can
// starve another.
type Class int

const (
	// Queries are reads that people and dashboards wait for.
	Queries Class = iota
	// Inserts are statements that carry data.
	Inserts
	// Others are DDL, INSERT … SELECT, and reads marked as exports.
	Others
	// Sessions are the connections that clients keep between requests.
	Sessions
	classes
)

func (c Class) String() string {
	return [...]string{"queries", "inserts", "others", "sessions"}[c]
}

// Options are the settings of an engine. Zero numbers take the defaults.
type Options struct {
	Library  string // path of libchdb.so
	DataPath string // folder of the database, created when missing

	Connections [classes]int  // per class; default DefaultConnections
	QueueLength int           // waiting statements per class; default DefaultQueueLength
	QueueWait   time.Duration // longest wait; default DefaultQueueWait

	MaxMemory      uint64 // bytes for the whole engine; default half of the machine
	MarkCache      uint64 // bytes; default DefaultMarkCache
	BackgroundPool int    // merge threads; default DefaultBackgroundPool
}

// Defaults of Options.
const (
	// DefaultQueueLength bounds memory and latency: at 1 ms a query a full
	// queue is a tenth of a second behind.
	DefaultQueueLength = 128
	// DefaultQueueWait is below the usual client time-out of 30 s, so that the
	// client sees the reason and not its own time-out.
	DefaultQueueWait = 10 * time.Second
	// DefaultMarkCache is far below ClickHouse's 5 GiB: the engine shares one
	// machine with the collector and PostgreSQL.
	DefaultMarkCache = 256 << 20
	// DefaultBackgroundPool leaves a core to the queries on a small machine.
	DefaultBackgroundPool = 4
)

// DefaultConnections are 2 inserts, 4 queries and 2 others on 2 cores: more
// raise the latency of each without raising the throughput.
func DefaultConnections() [classes]int {
	cores := runtime.GOMAXPROCS(0)
	return [classes]int{Queries: max(4, 2*cores), Inserts: max(2, cores), Others: 2, Sessions: 4}
}

func (o Options) withDefaults() Options {
	defaults := DefaultConnections()
	for class := range o.Connections {
		if o.Connections[class] == 0 {
			o.Connections[class] = defaults[class]
		}
	}
	if o.QueueLength == 0 {
		o.QueueLength = DefaultQueueLength
	}
	if o.QueueWait == 0 {
		o.QueueWait = DefaultQueueWait
	}
	if o.MaxMemory == 0 {
		o.MaxMemory = totalMemory() / 2
	}
	if o.MarkCache == 0 {
		o.MarkCache = DefaultMarkCache
	}
	if o.BackgroundPool == 0 {
		o.BackgroundPool = DefaultBackgroundPool
	}
	return o
}

// arguments are consumed by the connection that boots the engine.
func (o Options) arguments() []string {
	return []string{
		"clickhouse",
		"--path=" + o.DataPath,
		"--max_server_memory_usage=" + strconv.FormatUint(o.MaxMemory, 10),
		"--mark_cache_size=" + strconv.FormatUint(o.MarkCache, 10),
		"--background_pool_size=" + strconv.Itoa(o.BackgroundPool),
	}
}
