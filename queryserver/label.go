package queryserver

import (
	"regexp"
	"strings"
)

// LabelOrigin is where the value of a label comes from.
type LabelOrigin string

// The origins of labels.
const (
	ServiceLabel     LabelOrigin = "service"     // service.name of the resource
	EnvironmentLabel LabelOrigin = "environment" // deployment.environment.name of the resource
	AttributeLabel   LabelOrigin = "attributes"  // an attribute of the data points
	ResourceLabel    LabelOrigin = "resource"    // an attribute of the resource
)

// Label is service, environment, attributes.<key> or resource.<key>.
type Label struct {
	Origin LabelOrigin
	Key    string // of attributes and of the resource
}

// ParseLabel reads a label. Invalid: it is none.
func ParseLabel(text string) (Label, error) {
	origin, key, dotted := strings.Cut(text, ".")
	switch o := LabelOrigin(origin); {
	case (o == ServiceLabel || o == EnvironmentLabel) && !dotted:
		return Label{Origin: o}, nil
	case (o == AttributeLabel || o == ResourceLabel) && dotted && key != "":
		return Label{Origin: o, Key: key}, nil
	}
	return Label{}, Errorf(Invalid, "a label is service, environment, attributes.<key> or resource.<key>")
}

// String is the form that ParseLabel reads.
func (l Label) String() string {
	if l.Key == "" {
		return string(l.Origin)
	}
	return string(l.Origin) + "." + l.Key
}

// MatchOperator compares a label with values.
type MatchOperator string

// The operators. A label that is missing is the empty string.
const (
	MatchIn       MatchOperator = "in"       // one of the values
	MatchNotIn    MatchOperator = "notIn"    // none of the values
	MatchPrefix   MatchOperator = "prefix"   // begins with the one value
	MatchRegex    MatchOperator = "regex"    // the one value, in RE2, matches all of it
	MatchNotRegex MatchOperator = "notRegex" // it does not
)

// LabelMatch is a condition on a label.
type LabelMatch struct {
	Label    Label
	Operator MatchOperator
	Values   []string
}

// Check refuses a match that cannot be asked. The syntax of Go's expressions is that of
// RE2, which the engine uses.
func (m LabelMatch) Check() error {
	switch m.Operator {
	case MatchIn, MatchNotIn:
		if len(m.Values) == 0 {
			return Errorf(Invalid, "needs a value")
		}
		return nil
	case MatchPrefix, MatchRegex, MatchNotRegex:
		if len(m.Values) != 1 {
			return Errorf(Invalid, "takes one value")
		}
	default:
		return Errorf(Invalid, "the operator must be in, notIn, prefix, regex or notRegex")
	}
	if m.Operator == MatchPrefix {
		return nil
	}
	if _, err := regexp.Compile(m.Values[0]); err != nil {
		return &Error{Code: Invalid, Message: "is not a regular expression in RE2's syntax", Cause: err}
	}
	return nil
}
