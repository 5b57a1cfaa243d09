package resource

import (
	"context"
	"io"

	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/httpapi/otlpout"
)

type exportTracesInput struct{ SpanSelection }

func (t *traces) export(ctx context.Context, call queryserver.Call, input *exportTracesInput, kind string) (func(io.Writer) error, error) {
	filter, err := input.filter(t.parse)
	if err != nil {
		return nil, err
	}
	return func(to io.Writer) error {
		document := otlpout.NewTraces(to, kind == kindJSON)
		if err := t.store.ExportSpans(ctx, call.Scope, filter, document.Write); err != nil {
			return err
		}
		return document.End()
	}, nil
}
