package tenantcontextprocessor

import (
	"context"

	"go.opentelemetry.io/collector/pdata/plog"
)

func (p *tenantProcessor) processLogs(ctx context.Context, data plog.Logs) (plog.Logs, error) {
	v, err := p.begin(ctx)
	if err != nil {
		return data, err
	}
	data.ResourceLogs().RemoveIf(v.rejectsLogs)
	return data, p.finish(ctx, v, data.LogRecordCount())
}

func (v *verdict) rejectsLogs(resource plog.ResourceLogs) bool {
	why, err := v.stamp(resource.Resource().Attributes())
	switch {
	case err != nil:
		v.err = err
		return false
	case why != accepted:
		for _, scope := range resource.ScopeLogs().All() {
			v.rejected[why] += scope.LogRecords().Len()
		}
		return true
	}
	resource.ScopeLogs().RemoveIf(func(scope plog.ScopeLogs) bool {
		before := scope.LogRecords().Len()
		scope.LogRecords().RemoveIf(func(r plog.LogRecord) bool { return !v.holdsLog(r.Timestamp(), r.ObservedTimestamp()) })
		after := scope.LogRecords().Len()
		v.rejected[outsideWindow] += before - after
		return after == 0
	})
	return resource.ScopeLogs().Len() == 0
}
