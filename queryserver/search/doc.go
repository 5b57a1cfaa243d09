// Package search reads the search language of logs and traces.
//
//	tree, err := search.Parse(`service:checkout level>=error "connection reset" http.status_code>=500`, "query.q")
//
// The grammar, in which blanks separate and keywords are in capitals:
//
//	search  = all { "OR" all }
//	all     = not { [ "AND" ] not }
//	not     = { "NOT" | "-" } ( "(" search ")" | match )
//	match   = value | field ( ":" | "=" | "!=" ) values | field order value | field ( "=~" | "!~" ) text | field ":*"
//	order   = ">" | ">=" | "<" | "<="
//	values  = value | "(" value { "OR" value } ")"
//	value   = text [ "*" ]
//	field   = text
//	text    = word | '"' { character | '\"' | '\\' | '\n' | '\r' | '\t' } '"'
//
// A word goes to the next blank, quote or parenthesis; that of a field or a free value
// also to the next operator. Format writes a tree back, so that parsing gives it again.
package search
