//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/telemetryflow/telemetryflow/bench/ingest/internal/corpus"
	"github.com/telemetryflow/telemetryflow/bench/ingest/internal/rig"
)

// Markers are single items of a tenant of their own: one is sent every markEvery,
// of each signal in turn, and looked for every lookEvery, which is how exact the
// result is.
const (
	markEvery = 100 * time.Millisecond
	lookEvery = 20 * time.Millisecond
	lookAfter = 30 * time.Second // the last was sent
)

// markers are the items that were sent and the times until they could be read.
type markers struct {
	mu    sync.Mutex
	acked map[string]time.Time // not found yet
	found []time.Duration      // after the acknowledgement
}

// mark sends markers until the context ends, and looks for each.
func (b *bench) mark(ctx context.Context, c *rig.Collector) (m *markers, sent int, err error) {
	m = &markers{acked: map[string]time.Time{}}
	looked := make(chan error, 1)
	go func() { looked <- m.look(ctx, b, c) }()
	ticker := time.NewTicker(markEvery)
	defer ticker.Stop()
	for n := 0; ; n++ {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			err = <-looked
			return m, len(m.acked) + len(m.found), err
		}
		if err := m.send(context.WithoutCancel(ctx), b, c, n); err != nil {
			return m, 0, fmt.Errorf("send a marker: %w", err)
		}
	}
}

func (m *markers) send(ctx context.Context, b *bench, c *rig.Collector, n int) error {
	signal, name := signals[n%len(signals)], fmt.Sprintf("marker-%d", n)
	body, err := markerOf(signal, name)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+"/v1/"+signal, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-protobuf")
	request.Header.Set("X-API-Key-ID", b.marker.Key.ID)
	request.Header.Set("X-API-Key-Secret", b.marker.Key.Secret)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return nil // refused under load: nothing was promised
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.acked[name] = time.Now()
	return nil
}

// look asks for every marker's name. The tenant leads the tables' keys, so that
// this costs little however much others have stored.
func (m *markers) look(ctx context.Context, b *bench, c *rig.Collector) error {
	where := fmt.Sprintf(" WHERE workspace_id = '%s' AND tenant_id = '%s'", b.marker.Workspace, b.marker.ID)
	query := "SELECT toString(span_name) FROM spans" + where + " UNION ALL SELECT body FROM logs" + where +
		" UNION ALL SELECT toString(metric_name) FROM metric_samples" + where
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	var end time.Time
	for range ticker.C {
		names, err := b.rig.Engine.Lines(context.WithoutCancel(ctx), c.Database, query)
		if err != nil {
			return err
		}
		waiting := m.seen(names, time.Now())
		if ctx.Err() == nil {
			continue
		}
		if end.IsZero() {
			end = time.Now().Add(lookAfter)
		}
		if waiting == 0 || time.Now().After(end) {
			return nil
		}
	}
	return nil
}

// seen takes the names that could be read and returns how many could not.
func (m *markers) seen(names []string, now time.Time) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, name := range names {
		if acked, waiting := m.acked[strings.TrimSpace(name)]; waiting {
			m.found = append(m.found, now.Sub(acked))
			delete(m.acked, name)
		}
	}
	return len(m.acked)
}

// markerOf is a request with one item of a name.
func markerOf(signal, name string) ([]byte, error) {
	now := pcommon.NewTimestampFromTime(time.Now())
	switch signal {
	case corpus.Traces:
		td := ptrace.NewTraces()
		span := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		span.SetName(name)
		span.SetStartTimestamp(now)
		span.SetEndTimestamp(now)
		return ptraceotlp.NewExportRequestFromTraces(td).MarshalProto()
	case corpus.Logs:
		ld := plog.NewLogs()
		record := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
		record.Body().SetStr(name)
		record.SetTimestamp(now)
		return plogotlp.NewExportRequestFromLogs(ld).MarshalProto()
	default:
		md := pmetric.NewMetrics()
		metric := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
		metric.SetName(name)
		point := metric.SetEmptyGauge().DataPoints().AppendEmpty()
		point.SetTimestamp(now)
		point.SetIntValue(1)
		return pmetricotlp.NewExportRequestFromMetrics(md).MarshalProto()
	}
}
