package queryserver

// Search is a condition on log records or spans, as a tree: what the search language says
// (package search reads it). The zero Search holds for everything. It holds no positions,
// so that equal searches are equal values, in JSON too.
type Search struct {
	Op    SearchOp `json:"op,omitempty"`
	Of    []Search `json:"of,omitempty"`    // of All and Any two or more, of Not one
	Match *Match   `json:"match,omitempty"` // of OpMatch
}

// SearchOp is what a node of a search does.
type SearchOp string

// The nodes.
const (
	SearchAll   SearchOp = "all" // every one of Of holds
	SearchAny   SearchOp = "any" // one of Of holds
	SearchNot   SearchOp = "not" // Of[0] does not hold
	SearchMatch SearchOp = "match"
)

// IsZero says whether the search holds for everything.
func (s Search) IsZero() bool { return s.Op == "" }

// And is true where both are.
func (s Search) And(other Search) Search {
	switch {
	case s.IsZero():
		return other
	case other.IsZero():
		return s
	}
	return Search{Op: SearchAll, Of: []Search{s, other}}
}

// Match compares a field. No comparison holds for an item that lacks the field, != and !~
// included; the negation of a match does.
type Match struct {
	// Field is a name that the signal knows, or the key of an attribute. Empty: the text
	// of the item.
	Field string        `json:"field,omitempty"`
	Is    Comparison    `json:"is"`
	Any   []SearchValue `json:"any,omitempty"` // one or more; of =, : and != any number, of Exists none
}

// Comparison is how a field is compared with values.
type Comparison string

// The comparisons. Contains is Equal for all fields but texts, in which it looks for words.
const (
	Contains   Comparison = ":"
	Equal      Comparison = "="
	NotEqual   Comparison = "!=" // with each of the values
	Greater    Comparison = ">"
	AtLeast    Comparison = ">="
	Less       Comparison = "<"
	AtMost     Comparison = "<="
	Matches    Comparison = "=~" // a regular expression of RE2 matches anywhere
	MatchesNot Comparison = "!~"
	Exists     Comparison = ":*"
)

// SearchValue is what a field is compared with.
type SearchValue struct {
	Text string `json:"text"`
	// Quoted values are strings. Others are numbers or booleans where they look like it,
	// and strings as well.
	Quoted bool `json:"quoted,omitempty"`
	// Prefix means any value that begins with the text.
	Prefix bool `json:"prefix,omitempty"`
}
