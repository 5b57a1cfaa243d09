package chdb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
	"unsafe"
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

// Engine is the running ClickHouse engine of this process.
type Engine struct {
	lib     *library
	lock    *os.File
	boot    []string // arguments of every connection
	pools   [classes]*pool
	conns   []*conn
	control *conn      // for KILL QUERY only, so that a cancel never waits for a free connection
	killing sync.Mutex // held while control is in use, or a connection is made
	version string
	close   sync.Once
}

// started guards the one engine that a process can have: libchdb has global
// state, and cannot be started again after it was stopped.
var started sync.Mutex

// ErrSecondEngine is returned by a second Start in one process.
var ErrSecondEngine = errors.New("the engine was started in this process already: one process runs one engine, once")

// Start loads the library, takes the data path and opens every connection.
func Start(options Options) (*Engine, error) {
	if !started.TryLock() {
		return nil, ErrSecondEngine
	}
	options = options.withDefaults()
	dir, err := filepath.Abs(options.DataPath)
	if err != nil {
		return nil, fmt.Errorf("data path: %w", err)
	}
	options.DataPath = dir
	lock, err := lockDataPath(dir)
	if err != nil {
		started.Unlock()
		return nil, err
	}
	lib, err := openLibrary(options.Library)
	if err != nil {
		lock.Close()
		started.Unlock()
		return nil, err
	}
	e := &Engine{lib: lib, lock: lock, boot: options.arguments()}
	if err := e.open(options); err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
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

func (e *Engine) open(options Options) error {
	var failed error
	kept := keepSignals(func() {
		e.lib.setSignals(0)
		if e.control, failed = e.connect(); failed != nil {
			return
		}
		for class := range e.pools {
			e.pools[class] = newPool(options.QueueLength, options.QueueWait)
			for range options.Connections[class] {
				c, err := e.connect()
				if err != nil {
					failed = err
					return
				}
				e.pools[class].put(c)
				e.conns = append(e.conns, c)
			}
		}
	})
	if err := errors.Join(failed, kept); err != nil {
		return err
	}
	version, err := e.control.text("SELECT version()")
	if err != nil {
		return fmt.Errorf("read the engine's version: %w", err)
	}
	e.version = version
	return nil
}

func (e *Engine) connect() (*conn, error) {
	pointers := make([]unsafe.Pointer, len(e.boot))
	for i, argument := range e.boot {
		pointers[i], _ = stringPointer(argument + "\x00")
	}
	handle := e.lib.connect(int32(len(e.boot)), unsafe.Pointer(&pointers[0]))
	runtime.KeepAlive(pointers)
	if handle == nil {
		return nil, errors.New("the engine did not start: the data path may be damaged or owned by another version")
	}
	return &conn{lib: e.lib, handle: handle, database: defaultDatabase}, nil
}

// replace gives a connection a new handle of the library's.
func (e *Engine) replace(c *conn) error {
	e.killing.Lock() // connecting must be serial, and so must reading signals
	defer e.killing.Unlock()
	var failed error
	kept := keepSignals(func() {
		fresh, err := e.connect()
		if err != nil {
			failed = err
			return
		}
		c.close()
		*c = *fresh
	})
	return errors.Join(failed, kept)
}

// Version is the engine's version, like 26.7.2.1.
func (e *Engine) Version() string { return e.version }

// Acquire lends a connection of a class, first come, first served. It fails
// with TOO_MANY_SIMULTANEOUS_QUERIES when the queue is full or the wait over.
func (e *Engine) Acquire(ctx context.Context, class Class) (*Lease, error) {
	c, err := e.pools[class].get(ctx)
	if err != nil {
		return nil, err
	}
	return &Lease{engine: e, pool: e.pools[class], conn: c}, nil
}

// Names lists the engine's own table functions, and its engines of tables and
// databases.
func (e *Engine) Names() (functions, engines []string, err error) {
	e.killing.Lock()
	defer e.killing.Unlock()
	text, err := e.control.text("SELECT name FROM system.table_functions")
	if err != nil {
		return nil, nil, fmt.Errorf("list the engine's table functions: %w", err)
	}
	functions = strings.Split(text, "\n")
	if text, err = e.control.text("SELECT name FROM system.table_engines UNION ALL SELECT name FROM system.database_engines"); err != nil {
		return nil, nil, fmt.Errorf("list the engine's engines: %w", err)
	}
	return functions, strings.Split(text, "\n"), nil
}

// Timezone is the engine's time zone.
func (e *Engine) Timezone() (string, error) {
	e.killing.Lock()
	defer e.killing.Unlock()
	timezone, err := e.control.text("SELECT timezone()")
	if err != nil {
		return "", fmt.Errorf("read the engine's time zone: %w", err)
	}
	return timezone, nil
}

// Kill cancels the running statements that carry a marker. It comes back when
// the engine has been told, which may be before they end.
func (e *Engine) Kill(marker string) error {
	e.killing.Lock()
	defer e.killing.Unlock()
	_, err := e.control.text("KILL QUERY WHERE position(query, " + quote(marker) + ") > 0 AND query_kind != 'KillQuery' ASYNC FORMAT Null")
	return err
}

// Close stops the engine: no lease may be out. It lets go of the data path.
func (e *Engine) Close() {
	e.close.Do(func() {
		_ = keepSignals(func() {
			for _, c := range append(e.conns, e.control) {
				if c != nil {
					c.close()
				}
			}
		})
		e.lock.Close()
	})
}
