package tenantcontextprocessor

import (
	"context"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

func (p *tenantProcessor) processMetrics(ctx context.Context, data pmetric.Metrics) (pmetric.Metrics, error) {
	v, err := p.begin(ctx)
	if err != nil {
		return data, err
	}
	data.ResourceMetrics().RemoveIf(v.rejectsMetrics)
	return data, p.finish(ctx, v, data.DataPointCount())
}

func (v *verdict) rejectsMetrics(resource pmetric.ResourceMetrics) bool {
	why, err := v.stamp(resource.Resource().Attributes())
	switch {
	case err != nil:
		v.err = err
		return false
	case why != accepted:
		v.rejected[why] += pointCount(resource)
		return true
	}
	resource.ScopeMetrics().RemoveIf(func(scope pmetric.ScopeMetrics) bool {
		scope.Metrics().RemoveIf(v.emptiesMetric)
		return scope.Metrics().Len() == 0
	})
	return resource.ScopeMetrics().Len() == 0
}

// emptiesMetric removes the data points outside of the window and says whether
// none is left.
func (v *verdict) emptiesMetric(m pmetric.Metric) bool {
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		return keepPoints(v, m.Gauge().DataPoints())
	case pmetric.MetricTypeSum:
		return keepPoints(v, m.Sum().DataPoints())
	case pmetric.MetricTypeHistogram:
		return keepPoints(v, m.Histogram().DataPoints())
	case pmetric.MetricTypeExponentialHistogram:
		return keepPoints(v, m.ExponentialHistogram().DataPoints())
	case pmetric.MetricTypeSummary:
		return keepPoints(v, m.Summary().DataPoints())
	default:
		return true // no kind, no points
	}
}

// points is what the slices of the five kinds of data points have in common.
type points[P any] interface {
	Len() int
	RemoveIf(func(P) bool)
}

func keepPoints[P interface{ Timestamp() pcommon.Timestamp }](v *verdict, all points[P]) bool {
	before := all.Len()
	all.RemoveIf(func(point P) bool { return !v.holds(point.Timestamp()) })
	v.rejected[outsideWindow] += before - all.Len()
	return all.Len() == 0
}

func pointCount(resource pmetric.ResourceMetrics) int {
	one := pmetric.NewMetrics()
	resource.MoveTo(one.ResourceMetrics().AppendEmpty())
	return one.DataPointCount()
}
