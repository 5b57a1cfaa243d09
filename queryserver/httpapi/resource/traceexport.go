package resource

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/httpapi/otlp"
)

// The forms in which spans leave as OTLP. All three are what a receiver of OTLP takes: one
// document of JSON; one of protobuf, which is the messages of the parts one after the other,
// because repeated fields of concatenated messages are concatenated (protobuf encoding,
// "Last One Wins"); and a document of JSON per line, as the Collector's file exporter writes.
const (
	kindJSON     = "application/json"
	kindProtobuf = "application/x-protobuf"
	kindLines    = "application/x-ndjson"
)

type exportTracesInput struct{ SpanSelection }

func (t *traces) export(ctx context.Context, call queryserver.Call, input *exportTracesInput, kind string) (func(io.Writer) error, error) {
	filter, err := input.filter(t.parse)
	if err != nil {
		return nil, err
	}
	return func(to io.Writer) error {
		out := &traceWriter{to: to, kind: kind}
		if err := t.store.ExportSpans(ctx, call.Scope, filter, out.write); err != nil {
			return err
		}
		return out.end()
	}, nil
}

// traceWriter writes sets of spans as one answer.
type traceWriter struct {
	to    io.Writer
	kind  string
	begun bool
}

func (w *traceWriter) write(set queryserver.SpanSet) error {
	td, err := otlp.Traces(set)
	if err != nil {
		return fmt.Errorf("write spans as OTLP: %w", err)
	}
	text, err := w.marshal(td)
	if err != nil {
		return fmt.Errorf("write spans as OTLP: %w", err)
	}
	_, err = w.to.Write(text)
	return err
}

func (w *traceWriter) marshal(td ptrace.Traces) ([]byte, error) {
	if w.kind == kindProtobuf {
		return (&ptrace.ProtoMarshaler{}).MarshalTraces(td)
	}
	text, err := (&ptrace.JSONMarshaler{}).MarshalTraces(td)
	if err != nil || w.kind == kindLines {
		return append(text, '\n'), err
	}
	var document struct {
		ResourceSpans json.RawMessage `json:"resourceSpans"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	before := []byte(",")
	if !w.begun {
		w.begun = true
		before = []byte(`{"resourceSpans":[`)
	}
	return append(before, bytes.TrimSuffix(bytes.TrimPrefix(document.ResourceSpans, []byte("[")), []byte("]"))...), nil
}

// end ends a document of JSON; one without spans is a document too.
func (w *traceWriter) end() error {
	if w.kind != kindJSON {
		return nil
	}
	text := "]}\n"
	if !w.begun {
		text = `{"resourceSpans":[` + text
	}
	_, err := io.WriteString(w.to, text)
	return err
}
