package resource

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// How telemetry is streamed as OTLP. In protobuf the pieces follow each other: fields of
// one message that come in several pieces are joined by every reader, so that the body is
// one ExportMetricsServiceRequest. In JSON each line is one, as the collector's file
// exporter writes them. An answer that cannot be finished ends with its connection.
const (
	protobufType = "application/x-protobuf"
	linesType    = "application/x-ndjson"
	// pieceTime is how long a piece may take to be read by the client.
	pieceTime = 10 * time.Second
	// exportTime bounds an export.
	exportTime = time.Hour
)

var errEnough = errors.New("the reader has stopped")

// stream begins an export, and answers with what it gives. An error before the first piece
// is answered as such.
func stream(ctx context.Context, contentType string, export func(ctx context.Context, piece func([]byte) error) error, write func(io.Writer, []byte) error) (*huma.StreamResponse, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), exportTime) // a client that leaves ends it by not reading
	next, stop := iter.Pull2(func(yield func([]byte, error) bool) {
		err := export(ctx, func(piece []byte) error {
			if !yield(piece, nil) {
				return errEnough
			}
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			yield(nil, err)
		}
	})
	first, err, more := next()
	if err != nil {
		stop()
		cancel()
		return nil, err
	}
	return &huma.StreamResponse{Body: func(answer huma.Context) {
		defer cancel()
		defer stop()
		answer.SetHeader("Content-Type", contentType)
		answer.SetHeader("Cache-Control", "no-store")
		_, w := humago.Unwrap(answer)
		controller := http.NewResponseController(w)
		for piece, err := first, error(nil); more; piece, err, more = next() {
			if err == nil {
				err = errors.Join(controller.SetWriteDeadline(time.Now().Add(pieceTime)), write(w, piece), controller.Flush(),
					controller.SetWriteDeadline(time.Time{})) // the next piece may take its time
			}
			if err != nil {
				panic(http.ErrAbortHandler) // half an answer must not look whole
			}
		}
	}}, nil
}

type exportMetricsInput struct {
	MetricSelection
	Format string `query:"format" enum:"protobuf,json" default:"protobuf"`
}

func (m *metrics) export(ctx context.Context, call queryserver.Call, input *exportMetricsInput) (*huma.StreamResponse, error) {
	selector, err := input.selector()
	if err != nil {
		return nil, err
	}
	export := func(ctx context.Context, piece func([]byte) error) error {
		return m.store.ExportMetrics(ctx, call.Scope, selector, piece)
	}
	if input.Format == "json" {
		return stream(ctx, linesType, export, writeMetricsLine)
	}
	return stream(ctx, protobufType, export, func(w io.Writer, piece []byte) error {
		_, err := w.Write(piece)
		return err
	})
}

func writeMetricsLine(w io.Writer, piece []byte) error {
	data, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(piece)
	if err != nil {
		return fmt.Errorf("read OTLP: %w", err)
	}
	line, err := (&pmetric.JSONMarshaler{}).MarshalMetrics(data)
	if err != nil {
		return fmt.Errorf("write OTLP as JSON: %w", err)
	}
	_, err = w.Write(append(line, '\n'))
	return err
}
