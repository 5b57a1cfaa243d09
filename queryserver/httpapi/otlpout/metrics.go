package otlpout

import (
	"fmt"
	"io"

	"go.opentelemetry.io/collector/pdata/pmetric"
)

// Metrics writes one ExportMetricsServiceRequest in pieces. End it.
type Metrics struct {
	document
	json bool
}

// NewMetrics writes protobuf, or OTLP/JSON.
func NewMetrics(to io.Writer, asJSON bool) *Metrics {
	return &Metrics{document{to: to, head: `{"resourceMetrics":[`}, asJSON}
}

// Write adds data points: a MetricsData in protobuf.
func (m *Metrics) Write(piece []byte) error {
	if !m.json {
		_, err := m.to.Write(piece)
		return err
	}
	// pdata writes JSON as OTLP wants it: ids in hex and enums as numbers.
	data, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(piece)
	if err != nil {
		return fmt.Errorf("read data points: %w", err)
	}
	text, err := (&pmetric.JSONMarshaler{}).MarshalMetrics(data)
	if err != nil {
		return fmt.Errorf("write data points as JSON: %w", err)
	}
	return m.add(text)
}

// End closes the document.
func (m *Metrics) End() error {
	if !m.json {
		return nil
	}
	return m.end()
}
