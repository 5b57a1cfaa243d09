package statement

import (
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
