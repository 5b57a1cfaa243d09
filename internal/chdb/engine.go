package chdb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"unsafe"
)

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
