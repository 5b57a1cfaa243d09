package statement

import (
	"fmt"
	"strings"
)

// walk goes over all tokens of a text.
type walk struct {
	parser
	fence    *Fence
	quoted   int    // > 0: look into literals
	before   string // the token before, in upper case
	creating bool
	attached bool
	tables   []bool // by depth of parentheses: a table may be named here
}

func (w *walk) step() {
	w.clause()
	w.before = strings.ToUpper(w.text(w.token))
	w.advance()
}

func (w *walk) judge() string {
	switch w.token.kind {
	case literal:
		if w.attached && w.before == "FROM" {
			return "ATTACH … FROM reads a folder of the engine's machine"
		}
		if w.namesTable() && strings.Contains(unquote(w.text(w.token)), "/") {
			return "a path in place of a table reads a file of the engine's machine"
		}
		if w.quoted > 0 {
			return w.fence.check(unquote(w.text(w.token)), w.quoted+1)
		}
	case name:
		if strings.Contains(unquote(w.text(w.token)), "/") && w.before != "AS" {
			return "a quoted name with a slash would read a file of the engine's machine"
		}
		return w.call(w.text(w.token))
	case word:
		if reason := w.keyword(); reason != "" {
			return reason
		}
		return w.call(w.text(w.token))
	}
	return ""
}

func (w *walk) keyword() string {
	first := w.before == "" || w.before == ";"
	switch {
	case first && w.isAny("BACKUP", "RESTORE"):
		return strings.ToUpper(w.text(w.token)) + " reads or writes files outside the database"
	case first && w.is("ATTACH"):
		w.creating, w.attached = true, true
	case w.isAny("CREATE", "REPLACE"):
		w.creating = true
	case w.creating && w.is("ENGINE"):
		return w.engine()
	case w.creating && w.is("SOURCE"):
		return w.source()
	case w.is("OUTFILE") && w.before == "INTO", w.is("INFILE") && w.before == "FROM":
		return strings.ToUpper(w.text(w.token)) + " names a file of the engine's machine"
	case w.is("DIALECT"):
		return w.fence.CheckSetting("dialect", w.assigned())
	case w.isAny("additional_table_filters", "additional_result_filter"):
		w.quoted = max(w.quoted, 1)
	case w.isAny("format_schema", "format_template_row", "format_template_resultset"):
		return w.fence.CheckSetting(strings.ToLower(w.text(w.token)), w.assigned())
	}
	return ""
}

// assigned returns the value behind "=", or "" if none is assigned.
func (w *walk) assigned() string {
	ahead := w.parser
	if ahead.advance(); !ahead.isPunctuation('=') {
		return ""
	}
	ahead.advance()
	return unquote(ahead.text(ahead.token))
}

// call judges a name that a parenthesis follows.
func (w *walk) call(text string) string {
	ahead := w.parser
	ahead.advance()
	if !ahead.isPunctuation('(') || w.before == "INTO" { // INSERT INTO file (columns)
		return ""
	}
	function := unquote(text)
	if function != text && strings.Contains(text, `\`) {
		return "the name of a function has an escape"
	}
	if w.fence.functions[strings.ToLower(function)] {
		return function + "(…) reaches files, the network or other programs"
	}
	return ""
}

func (w *walk) engine() string {
	ahead := w.parser
	if ahead.advance(); ahead.isPunctuation('=') {
		ahead.advance()
	}
	if ahead.isPunctuation('{') {
		return "the engine must be named in the statement"
	}
	text := ahead.text(ahead.token)
	if ahead.token.kind == name && strings.Contains(text, `\`) {
		return "the name of an engine has an escape"
	}
	if engine := unquote(text); w.fence.engines[strings.ToLower(engine)] {
		return fmt.Sprintf("engine %s reaches files, the network or other programs", engine)
	}
	return ""
}

// localSource are the keys of a dictionary's SOURCE(CLICKHOUSE(…)) that leave
// it a table of this engine; HOST would be another's, QUERY and WHERE are SQL.
var localSource = []string{"TABLE", "DB", "USER", "PASSWORD", "UPDATE_FIELD", "UPDATE_LAG"}

func (w *walk) source() string {
	ahead := w.parser
	if ahead.advance(); !ahead.isPunctuation('(') {
		return ""
	}
	ahead.advance()
	switch {
	case ahead.is("NULL"):
		return ""
	case !ahead.is("CLICKHOUSE"):
		return fmt.Sprintf("dictionary source %s reaches files, the network or other programs", ahead.text(ahead.token))
	}
	ahead.advance()
	for ahead.advance(); ahead.token.kind != end && !ahead.isPunctuation(')'); ahead.advance() {
		if !ahead.isAny(localSource...) {
			return fmt.Sprintf("dictionary source CLICKHOUSE takes no %s here, only %s", ahead.text(ahead.token), strings.Join(localSource, ", "))
		}
		if ahead.advance(); strings.Contains(unquote(ahead.text(ahead.token)), "/") {
			return "dictionary source CLICKHOUSE names a path"
		}
	}
	return ""
}

// clause keeps track of where tables are named.
func (w *walk) clause() {
	if len(w.tables) == 0 {
		w.tables = []bool{false}
	}
	last := len(w.tables) - 1
	switch {
	case w.isPunctuation('('):
		w.tables = append(w.tables, w.namesTable())
	case w.isPunctuation(')'):
		if last > 0 {
			w.tables = w.tables[:last]
		}
	case w.isAny("FROM", "JOIN", "INTO", "TABLE", "DESCRIBE", "DESC", "EXISTS"):
		w.tables[last] = true
	case w.isAny("SELECT", "WHERE", "PREWHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "SETTINGS", "FORMAT", "VALUES"):
		w.tables[last] = false
	}
}

// namesTable says whether a table's name may stand at the token.
func (w *walk) namesTable() bool {
	if len(w.tables) == 0 || !w.tables[len(w.tables)-1] {
		return false
	}
	switch w.before {
	case "FROM", "JOIN", "INTO", "TABLE", "DESCRIBE", "DESC", "EXISTS", ",", "(":
		return true
	}
	return false
}
