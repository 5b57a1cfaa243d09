package corpus

import (
	"fmt"
	"math"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
)

// metricPoints is how many series of a metric one instance of a service has.
const metricPoints = 16

// metrics are one reading of an instance: sums and gauges in equal numbers, each
// item a series of its own.
func (w *writer) metrics() ([]byte, error) {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	w.resource(rm.Resource())
	sm := rm.ScopeMetrics().AppendEmpty()
	sm.Scope().SetName("go.opentelemetry.io/contrib/instrumentation/runtime")
	for first := 0; first < w.items; first += metricPoints {
		metric := sm.Metrics().AppendEmpty()
		number, points := first/metricPoints, min(metricPoints, w.items-first)
		if number%2 == 0 {
			w.sum(metric, number, first, points)
		} else {
			w.gauge(metric, number, first, points)
		}
	}
	return pmetricotlp.NewExportRequestFromMetrics(md).MarshalProto()
}

func (w *writer) sum(metric pmetric.Metric, number, first, points int) {
	metric.SetName(fmt.Sprintf("http.server.requests.%d", number))
	metric.SetUnit("{request}")
	metric.SetDescription("Requests that were served.")
	sum := metric.SetEmptySum()
	sum.SetIsMonotonic(true)
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	for i := range points {
		point := sum.DataPoints().AppendEmpty()
		w.marks++
		point.SetIntValue(int64(mark(markCounter, uint32(first+i))))
		w.point(point, i)
	}
}

func (w *writer) gauge(metric pmetric.Metric, number, first, points int) {
	metric.SetName(fmt.Sprintf("process.queue.usage.%d", number))
	metric.SetUnit("1")
	metric.SetDescription("How full the queue is.")
	gauge := metric.SetEmptyGauge()
	for i := range points {
		point := gauge.DataPoints().AppendEmpty()
		w.marks++
		point.SetDoubleValue(math.Float64frombits(mark(markGauge, uint32(first+i))))
		w.point(point, i)
	}
}

// started is when the counters began: it stays, as it does while a process runs.
var started = pcommon.NewTimestampFromTime(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))

func (w *writer) point(point pmetric.NumberDataPoint, i int) {
	w.marks++
	point.SetTimestamp(pcommon.Timestamp(mark(markScrape, 0)))
	point.SetStartTimestamp(started)
	a := point.Attributes()
	a.PutStr("http.request.method", []string{"GET", "POST"}[i%2])
	a.PutStr("http.route", fmt.Sprintf("/api/%s/%d", w.service(), i/4))
	a.PutInt("http.response.status_code", []int64{200, 500}[i/2%2])
}
