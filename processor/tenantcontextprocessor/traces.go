package tenantcontextprocessor

import (
	"context"

	"go.opentelemetry.io/collector/pdata/ptrace"
)

func (p *tenantProcessor) processTraces(ctx context.Context, data ptrace.Traces) (ptrace.Traces, error) {
	v, err := p.begin(ctx)
	if err != nil {
		return data, err
	}
	data.ResourceSpans().RemoveIf(v.rejectsSpans)
	return data, p.finish(ctx, v, data.SpanCount())
}

func (v *verdict) rejectsSpans(resource ptrace.ResourceSpans) bool {
	why, err := v.stamp(resource.Resource().Attributes())
	switch {
	case err != nil:
		v.err = err
		return false
	case why != accepted:
		for _, scope := range resource.ScopeSpans().All() {
			v.rejected[why] += scope.Spans().Len()
		}
		return true
	}
	resource.ScopeSpans().RemoveIf(func(scope ptrace.ScopeSpans) bool {
		before := scope.Spans().Len()
		scope.Spans().RemoveIf(func(s ptrace.Span) bool { return !v.holds(s.StartTimestamp()) })
		after := scope.Spans().Len()
		v.rejected[outsideWindow] += before - after
		return after == 0
	})
	return resource.ScopeSpans().Len() == 0
}
