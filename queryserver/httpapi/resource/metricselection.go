package resource

import (
	"errors"
	"fmt"
	"strings"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// MetricSelection chooses series and a time.
type MetricSelection struct {
	Within
	Metric  []word   `query:"metric" maxItems:"20" doc:"Any of these metrics"`
	Service []word   `query:"service" maxItems:"20" doc:"Any of these services"`
	Match   []phrase `query:"match" maxItems:"20" doc:"Conditions on labels: label=value, !=, =~ and !~ for regular expressions (RE2), ^= for a prefix. Several = of one label: any of them. A label is service, environment, attributes.<key> or resource.<key>"`
}

func (s MetricSelection) selector() (queryserver.MetricSelector, error) {
	in, err := s.timeRange()
	if err != nil {
		return queryserver.MetricSelector{}, err
	}
	matches, err := matchesOf(s.Match)
	return queryserver.MetricSelector{In: in, Metrics: textsOf(s.Metric), Services: textsOf(s.Service), Match: matches}, err
}

// operators are looked for in this order where the first of them begins.
var operators = []struct { //nolint:gochecknoglobals // a constant
	text string
	is   queryserver.MatchOperator
}{
	{"=~", queryserver.MatchRegex}, {"!~", queryserver.MatchNotRegex}, {"!=", queryserver.MatchNotIn}, {"^=", queryserver.MatchPrefix}, {"=", queryserver.MatchIn},
}

// matchesOf reads conditions in text.
func matchesOf(texts []phrase) ([]queryserver.LabelMatch, error) {
	var matches []queryserver.LabelMatch
	equal := make(map[queryserver.Label]int) // where label=value stands
	for i, text := range texts {
		match, err := matchOf(string(text))
		if err == nil {
			err = match.Check()
		}
		if err != nil {
			return nil, refused(fmt.Sprintf("query.match[%d]", i), err)
		}
		if at, known := equal[match.Label]; known && match.Operator == queryserver.MatchIn {
			matches[at].Values = append(matches[at].Values, match.Values...)
			continue
		}
		if match.Operator == queryserver.MatchIn {
			equal[match.Label] = len(matches)
		}
		matches = append(matches, match)
	}
	return matches, nil
}

func matchOf(text string) (queryserver.LabelMatch, error) {
	for at := range text {
		for _, operator := range operators {
			if value, found := strings.CutPrefix(text[at:], operator.text); found {
				label, err := queryserver.ParseLabel(text[:at])
				return queryserver.LabelMatch{Label: label, Operator: operator.is, Values: []string{value}}, err
			}
		}
	}
	return queryserver.LabelMatch{}, queryserver.Errorf(queryserver.Invalid, "must be a label, =, !=, =~, !~ or ^=, and a value")
}

// refused says of a field what is wrong with it.
func refused(location string, err error) error {
	var known *queryserver.Error
	message := "cannot be used"
	if errors.As(err, &known) {
		message = known.Message
	}
	return &queryserver.Error{Code: queryserver.Invalid, Message: "the query cannot be answered", Fields: []queryserver.FieldError{{Location: location, Message: message}}, Cause: err}
}
