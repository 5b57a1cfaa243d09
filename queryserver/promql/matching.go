package promql

import (
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// named are the metrics whose names some matchers allow.
func named(shown []metric, matchers []*labels.Matcher) []metric {
	var found []metric
	for _, m := range shown {
		if nameMatches(m.name, matchers) {
			found = append(found, m)
		}
	}
	return found
}

func nameMatches(name string, matchers []*labels.Matcher) bool {
	for _, matcher := range matchers {
		if matcher.Name == model.MetricNameLabel && !matcher.Matches(name) {
			return false
		}
	}
	return true
}

// conditions are what the store can check of some matchers. All series that match fulfil
// them; whether those that do match is checked again by their labels.
func (n *names) conditions(matchers []*labels.Matcher) []queryserver.SeriesCondition {
	var found []queryserver.SeriesCondition
	for _, m := range matchers {
		switch m.Name {
		case model.MetricNameLabel, model.BucketLabel, model.QuantileLabel:
			continue // not of the series as stored
		}
		if c, can := n.condition(m); can {
			found = append(found, c)
		}
	}
	return found
}

func (n *names) condition(m *labels.Matcher) (queryserver.SeriesCondition, bool) {
	texts, exact := n.texts(m.Name)
	c := queryserver.SeriesCondition{Texts: texts}
	if !exact && m.Matches("") {
		return c, false // the label may be missing, or be made of other texts
	}
	switch m.Type {
	case labels.MatchEqual, labels.MatchNotEqual:
		c.In, c.Not = []string{m.Value}, m.Type == labels.MatchNotEqual
	default:
		c.Not = m.Type == labels.MatchNotRegexp
		if c.In = m.SetMatches(); len(c.In) == 0 {
			if !sameEverywhere(m.Value) {
				return c, false
			}
			c.Like = "^(?s:" + m.Value + ")$"
		}
	}
	if exact {
		return c, true
	}
	if c.Not {
		return c, false
	}
	return n.loosen(m.Name, c)
}

// loosen makes a condition of texts that a label is made of true for whatever the label
// may have matched by.
func (n *names) loosen(label string, c queryserver.SeriesCondition) (queryserver.SeriesCondition, bool) {
	if label != model.JobLabel {
		return c, true
	}
	if c.Like != "" {
		return c, false
	}
	// namespace/name: the name is some end of it.
	for _, job := range slices.Clone(c.In) {
		for i := range job {
			if job[i] == '/' {
				c.In = append(c.In, job[i+1:])
			}
		}
	}
	return c, true
}

// texts are those that a label may come from. Exact: there is but one, and the label is
// equal to it.
func (n *names) texts(label string) (texts []queryserver.SeriesText, exact bool) {
	if n.escaped() && strings.Contains(label, "_") {
		texts = append(texts, queryserver.SeriesText{KeyLike: keyLike(label)})
	} else {
		texts = append(texts, queryserver.SeriesText{Key: label})
		exact = true
	}
	switch label {
	case model.JobLabel:
		texts, exact = append(texts, queryserver.SeriesText{Resource: true, Key: serviceName}), false
	case model.InstanceLabel:
		texts, exact = append(texts, queryserver.SeriesText{Resource: true, Key: serviceInstance}), false
	}
	for _, key := range n.settings.PromoteResourceAttributes {
		if n.label(key) == label {
			texts, exact = append(texts, queryserver.SeriesText{Resource: true, Key: key}), false
		}
	}
	return texts, exact
}

// keyLike is an RE2 for the keys that are escaped to a label: each underscore stands for
// one or more characters that labels cannot have, and before a digit key_ was added.
func keyLike(label string) string {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(label), "_", "[^a-zA-Z0-9]*")
	if rest, added := strings.CutPrefix(label, "key_"); added {
		pattern += "|" + strings.ReplaceAll(regexp.QuoteMeta(rest), "_", "[^a-zA-Z0-9]*")
	}
	return "^(?s:" + pattern + ")$"
}

// sameEverywhere says whether Go and ClickHouse read a regular expression in the same way:
// classes of Unicode and of case beyond ASCII go by the tables of a version.
func sameEverywhere(regex string) bool {
	for i := range len(regex) {
		if c := regex[i]; c >= 0x80 || c == 0 {
			return false
		}
	}
	return !strings.Contains(regex, `\p`) && !strings.Contains(regex, `\P`) && !strings.Contains(regex, "(?")
}
