package queryserver

import "slices"

// Predicate restricts rows to those in which a dimension has one of some values. A row
// that lacks the dimension does not match.
type Predicate struct {
	Dimension string   `json:"dimension"` // service, environment, or the key of an attribute
	Values    []string `json:"values"`
}

// Filter is what a scope may see: rows that match all predicates of any alternative.
// The zero Filter is everything.
type Filter struct{ alternatives [][]Predicate }

// Everything says whether the filter restricts nothing.
func (f Filter) Everything() bool { return len(f.alternatives) == 0 }

// Alternatives are the lists of predicates. They must not be changed.
func (f Filter) Alternatives() [][]Predicate { return f.alternatives }

// Union joins what several roles may see. One without predicates may see everything;
// none at all is a mistake of the caller, who then must not ask.
func Union(roles ...[]Predicate) Filter {
	var f Filter
	for _, predicates := range roles {
		if len(predicates) == 0 {
			return Filter{}
		}
		f.alternatives = append(f.alternatives, slices.Clone(predicates))
	}
	return f
}
