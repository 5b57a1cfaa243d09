package chdb

import (
	"errors"
	"maps"
	"runtime"
	"slices"
	"strings"
	"unsafe"
)

const defaultDatabase = "default"

// Settings are ClickHouse settings by name.
type Settings map[string]string

// Parameters are the values of {name:Type} placeholders, in the escaped text
// form of ClickHouse's HTTP interface.
type Parameters map[string]string

// conn is one connection: one statement at a time.
type conn struct {
	lib      *library
	handle   unsafe.Pointer // chdb_connection *
	database string         // what USE was last told
	settings Settings       // what SET was last told, and nothing else
	stained  bool           // a result ended badly: bytes of it may be left
	scratch  bool           // a statement may have left temporary tables
}

func (c *conn) connection() unsafe.Pointer { return *(*unsafe.Pointer)(c.handle) }

func (c *conn) close() {
	if c.handle != nil {
		c.lib.closeConn(c.handle)
		c.handle = nil
	}
}

// adopt brings the connection to a database and to exactly these settings.
func (c *conn) adopt(database string, settings Settings) error {
	if database == "" {
		database = defaultDatabase
	}
	if database != c.database {
		if err := c.exec("USE " + quoteIdentifier(database)); err != nil {
			return err
		}
		c.database = database
	}
	changes := c.changes(settings)
	if len(changes) == 0 {
		return nil
	}
	if err := c.exec("SET " + strings.Join(changes, ", ")); err != nil {
		return c.forget(settings, err)
	}
	c.settings = maps.Clone(settings)
	return nil
}

func (c *conn) changes(settings Settings) []string {
	var changes []string
	for name := range c.settings {
		if _, wanted := settings[name]; !wanted {
			changes = append(changes, name+" = DEFAULT")
		}
	}
	for name, value := range settings {
		if had, ok := c.settings[name]; !ok || had != value {
			changes = append(changes, name+" = "+quote(value))
		}
	}
	slices.Sort(changes)
	return changes
}

// forget sets everything back to default after a SET that failed part-way.
func (c *conn) forget(settings Settings, cause error) error {
	for _, names := range []Settings{settings, c.settings} {
		for name := range names {
			// An unknown name fails here again, and has changed nothing.
			_ = c.exec("SET " + name + " = DEFAULT")
		}
	}
	c.settings = nil
	return cause
}

// exec runs a statement of this package's own that has no result.
func (c *conn) exec(sql string) error {
	_, err := c.text(sql)
	return err
}

// text runs a statement of this package's own and returns its only value.
func (c *conn) text(sql string) (string, error) {
	result, err := c.run(c.lib.query, Query{SQL: sql, Format: "TSVRaw"})
	if err != nil {
		return "", err
	}
	defer c.lib.destroyResult(result)
	return strings.TrimSuffix(string(c.bytes(result)), "\n"), nil
}

type queryFunc func(conn, sql unsafe.Pointer, n uintptr, format unsafe.Pointer, formatLen uintptr, names, nameLens, values, valueLens unsafe.Pointer, count uintptr) unsafe.Pointer

// run calls a function that answers with a result, and turns an error in the
// result into an *Exception. A result without an error is the caller's to
// destroy.
func (c *conn) run(function queryFunc, q Query) (unsafe.Pointer, error) {
	result := c.call(function, q)
	if result == nil {
		c.stained = true
		return nil, NewException(CodeUnsupportedMethod, "UNKNOWN_EXCEPTION", "the engine gave no result")
	}
	if text := goString(c.lib.resultError(result)); text != "" {
		c.stained = true
		c.lib.destroyResult(result)
		return nil, parseException(text)
	}
	return result, nil
}

// call passes a query to the library, which copies all of it.
func (c *conn) call(function queryFunc, q Query) unsafe.Pointer {
	sql, sqlLen := stringPointer(q.SQL)
	format, formatLen := stringPointer(q.Format)
	p := packParameters(q.Parameters)
	result := function(c.connection(), sql, sqlLen, format, formatLen,
		p.pointer(p.names), p.lengths(p.nameLens), p.pointer(p.values), p.lengths(p.valueLens), uintptr(len(p.names)))
	runtime.KeepAlive(q)
	runtime.KeepAlive(p)
	return result
}

// bytes views a result's data, which is valid until the result is destroyed.
func (c *conn) bytes(result unsafe.Pointer) []byte {
	n := c.lib.resultLength(result)
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(c.lib.resultBuffer(result)), n)
}

// rinseMark is what a clean connection answers to the query for it, and
// nothing else.
const rinseMark = "clean"

// rinse clears the bytes that a failed or cancelled result left in the
// connection: the library would put them before the next result.
func (c *conn) rinse() error {
	const attempts = 3
	for range attempts {
		if answer, err := c.text("SELECT '" + rinseMark + "'"); err == nil && answer == rinseMark {
			c.stained = false
			return nil
		}
	}
	return errors.New("connection still answers with bytes of an earlier result")
}

// packed are parameters as the arrays the library takes.
type packed struct {
	names, values       []unsafe.Pointer
	nameLens, valueLens []uintptr
}

func packParameters(parameters Parameters) *packed {
	p := &packed{}
	for name, value := range parameters {
		pointer, n := stringPointer(name)
		p.names, p.nameLens = append(p.names, pointer), append(p.nameLens, n)
		if value == "" {
			value = "\x00"[:0]
		}
		pointer, n = stringPointer(value)
		if pointer == nil {
			pointer = unsafe.Pointer(&emptyValue)
		}
		p.values, p.valueLens = append(p.values, pointer), append(p.valueLens, n)
	}
	return p
}

// emptyValue is what an empty parameter points to: the library would take a
// nil pointer for a missing array.
var emptyValue byte

func (*packed) pointer(p []unsafe.Pointer) unsafe.Pointer {
	return unsafe.Pointer(unsafe.SliceData(p))
}

func (*packed) lengths(p []uintptr) unsafe.Pointer {
	return unsafe.Pointer(unsafe.SliceData(p))
}

func quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

func quoteIdentifier(s string) string {
	return "`" + strings.NewReplacer("\\", "\\\\", "`", "\\`").Replace(s) + "`"
}
