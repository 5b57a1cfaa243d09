package resource

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"iter"

	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/httpapi/otlpout"
)

type exportLogsInput struct {
	LogFilter
	Order string `query:"order" enum:"newest,oldest" default:"oldest" doc:"What comes first"`
}

func (l *logResource) pieces(ctx context.Context, call queryserver.Call, input *exportLogsInput) (iter.Seq2[[]queryserver.LogRecord, error], error) {
	in, search, err := l.question(input.LogFilter)
	if err != nil {
		return nil, err
	}
	return l.store.ExportLogs(ctx, call.Scope, queryserver.LogQuery{In: in, Search: search, OldestFirst: input.Order == "oldest"})
}

func (l *logResource) ndjson(ctx context.Context, call queryserver.Call, input *exportLogsInput, _ string) (func(io.Writer) error, error) {
	pieces, err := l.pieces(ctx, call, input)
	return func(to io.Writer) error {
		var text bytes.Buffer
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		for records, err := range pieces {
			if err != nil {
				return err
			}
			text.Reset()
			for i := range records {
				if err := encoder.Encode(&records[i]); err != nil {
					return err
				}
			}
			if _, err := to.Write(text.Bytes()); err != nil {
				return err
			}
		}
		return nil
	}, err
}

func (l *logResource) otlp(ctx context.Context, call queryserver.Call, input *exportLogsInput, kind string) (func(io.Writer) error, error) {
	pieces, err := l.pieces(ctx, call, input)
	return func(to io.Writer) error {
		document := otlpout.NewLogs(to, kind == kindJSON)
		for records, err := range pieces {
			if err != nil {
				return err
			}
			if err := document.Write(records); err != nil {
				return err
			}
		}
		return document.End()
	}, err
}
