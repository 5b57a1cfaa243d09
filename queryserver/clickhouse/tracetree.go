package clickhouse

import (
	"cmp"
	"slices"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// arrange puts the spans of a trace in the order of their start, parents before children
// where they start at once. It marks the spans whose parent is not there: it has not
// arrived, is not to be seen by the caller, or was cut off.
func arrange(all []queryserver.Span) {
	parents := make(map[string]string, len(all))
	for _, span := range all {
		parents[span.SpanID] = span.ParentSpanID
	}
	depths := make(map[string]int, len(all))
	for i := range all {
		_, present := parents[all[i].ParentSpanID]
		all[i].ParentMissing = all[i].ParentSpanID != "" && !present
		depthOf(all[i].SpanID, parents, depths)
	}
	slices.SortStableFunc(all, func(a, b queryserver.Span) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(depths[a.SpanID], depths[b.SpanID]))
	})
}

// depthOf finds how many ancestors a span has. Spans that are their own ancestors, which a
// mistaken client can make, have as many as were walked.
func depthOf(id string, parents map[string]string, depths map[string]int) {
	var path []string
	for at := id; ; at = parents[at] {
		if _, known := depths[at]; known {
			break
		}
		depths[at] = 0
		path = append(path, at)
		if _, present := parents[parents[at]]; !present {
			break
		}
	}
	for _, at := range slices.Backward(path) {
		if above, present := depths[parents[at]]; present && parents[at] != at {
			depths[at] = above + 1
		}
	}
}
