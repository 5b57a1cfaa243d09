package statement

import (
	"fmt"
	"slices"
	"strings"
)

// Fence tells which statements reach out of the database: to files, to the
// network, to other programs. It judges names and never what they are given,
// refuses what it does not know, and refuses text that the engine may cut into
// tokens otherwise than it does.
type Fence struct {
	functions map[string]bool
	engines   map[string]bool
}

// insideFunctions are the table functions that stay inside the database.
var insideFunctions = []string{
	"dictionary", "format", "fuzzjson", "fuzzquery", "generaterandom", "generateseries", "generate_series", "input", "merge",
	"mergetreeanalyzeindexes", "mergetreeanalyzeindexesuuid", "mergetreeindex", "mergetreeprojection", "mergetreetextindex", "null",
	"numbers", "numbers_mt", "primes", "sqlstandardvalues", "timeseriesdata", "timeseriesmetrics", "timeseriessamples",
	"timeseriesselector", "timeseriestags", "values", "view", "viewexplain", "viewifpermitted", "zeros", "zeros_mt",
}

// insideEngines are the engines of tables and databases that do, beside the
// MergeTree family. Alias, Buffer and Loop are not among them: they name a table
// in a string, and the database default takes a path for a table's name.
var insideEngines = []string{
	"atomic", "dictionary", "fuzzjson", "generaterandom", "join", "log", "materializedview", "memory", "merge",
	"null", "ordinary", "set", "stripelog", "timeseries", "tinylog", "view", "windowview",
}

// outsideFunctions reach out without being table functions.
var outsideFunctions = []string{
	"aiclassify", "aiembed", "aiextract", "aigenerate", "aitranslate", "catboostevaluate", "complex_key_ssd_cache", "disk", "file",
	"reversednsquery", "ssd_cache",
}

// NewFence makes a fence from the names that the engine knows.
func NewFence(tableFunctions, engines []string) *Fence {
	f := &Fence{functions: map[string]bool{}, engines: map[string]bool{}}
	for _, function := range tableFunctions {
		function = strings.ToLower(function)
		f.functions[function] = !slices.Contains(insideFunctions, function)
	}
	for _, function := range outsideFunctions {
		f.functions[function] = true
	}
	for _, engine := range engines {
		engine = strings.ToLower(engine)
		f.engines[engine] = !strings.HasSuffix(engine, "mergetree") && !slices.Contains(insideEngines, engine)
	}
	return f
}

// Check says what SQL would reach, or "" when it stays inside.
func (f *Fence) Check(sql string) string { return f.check(sql, 0) }

// CheckSetting does so for a setting: some carry SQL, or the path of a file.
func (f *Fence) CheckSetting(name, value string) string {
	switch {
	case name == "dialect" && value != "" && !strings.EqualFold(value, "clickhouse"):
		return "the setting dialect hides what a statement reads"
	case value != "" && (name == "format_schema" || name == "format_template_row" || name == "format_template_resultset"):
		return "the setting " + name + " reads a file of the engine's machine"
	case strings.HasPrefix(name, "additional_"):
		return f.check(value, 1)
	}
	return ""
}

// maxQuoting bounds how deep SQL may be quoted in SQL.
const maxQuoting = 8

// check with a depth above 0 looks into string literals as well.
func (f *Fence) check(sql string, depth int) string {
	if depth > maxQuoting {
		return "SQL is quoted too deep to be checked"
	}
	w := &walk{parser: parser{lexer: lexer{sql: sql}}, fence: f, quoted: depth}
	for w.advance(); w.token.kind != end; w.step() {
		if reason := w.judge(); reason != "" {
			return reason
		}
	}
	if w.odd {
		return "the statement has comments or quotes that cannot be told apart safely"
	}
	return ""
}

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

// TakesIdentifier says whether a parameter of the statement is a name.
func TakesIdentifier(sql string) bool {
	p := parser{lexer: lexer{sql: sql}}
	for p.advance(); p.token.kind != end; p.advance() {
		if p.isPunctuation(':') && p.follows("Identifier") {
			return true
		}
	}
	return false
}
