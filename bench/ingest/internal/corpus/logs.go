package corpus

import (
	"fmt"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
)

// logs are records of a structured logger, half of them within a span.
func (w *writer) logs() ([]byte, error) {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	w.resource(rl.Resource())
	sl := rl.ScopeLogs().AppendEmpty()
	sl.Scope().SetName("go.opentelemetry.io/contrib/bridges/otelslog")
	records := sl.LogRecords()
	records.EnsureCapacity(w.items)
	for i := range w.items {
		w.record(records.AppendEmpty(), i)
	}
	return plogotlp.NewExportRequestFromLogs(ld).MarshalProto()
}

func (w *writer) record(record plog.LogRecord, i int) {
	begin := -time.Duration(w.random.IntN(2_000_000)) * time.Microsecond
	record.SetTimestamp(w.at(begin))
	record.SetObservedTimestamp(w.at(begin + time.Duration(w.random.IntN(500))*time.Microsecond))
	record.SetSeverityNumber(plog.SeverityNumberInfo)
	record.SetSeverityText("INFO")
	switch {
	case w.chance(5):
		record.SetSeverityNumber(plog.SeverityNumberError)
		record.SetSeverityText("ERROR")
	case w.chance(10):
		record.SetSeverityNumber(plog.SeverityNumberWarn)
		record.SetSeverityText("WARN")
	}
	record.Body().SetStr(w.message())
	if i%2 == 0 {
		record.SetTraceID(w.traceID(i / traceSpans))
		record.SetSpanID(w.spanID(i))
		record.SetFlags(plog.DefaultLogRecordFlags.WithIsSampled(true))
	}
	a := record.Attributes()
	a.PutStr("code.function.name", fmt.Sprintf("%s.(*Handler).Serve%d", w.service(), w.random.IntN(12)))
	a.PutInt("http.response.status_code", one[int64](w, 200, 200, 200, 404, 500))
	a.PutStr("session.id", w.digits(1e8))
}

func (w *writer) message() string {
	number, n := w.digits(100_000), w.random.IntN(1000)
	switch w.random.IntN(5) {
	case 0:
		return fmt.Sprintf("served product %s from the cache in %d ms", number, n%50)
	case 1:
		return fmt.Sprintf("order %s accepted, %d items", number, 1+n%9)
	case 2:
		return fmt.Sprintf("connection %s to replica %d reset by peer, trying again in %d ms", number, n%7, n)
	case 3:
		return fmt.Sprintf("payment %s authorised by provider %s", number, one(w, "north", "south", "east"))
	default:
		return fmt.Sprintf("queue depth %d, oldest message %s", n, number)
	}
}
