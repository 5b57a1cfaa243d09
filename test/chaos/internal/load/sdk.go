package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	otellog "go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/telemetryflow/telemetryflow/test/chaos/internal/ledger"
)

// SDK is a stream that the OpenTelemetry SDK sends, with all its defaults.
const SDK Transport = "sdk"

// SDKStreams are streams of the SDK: traces over HTTP and gRPC, logs over HTTP.
func SDKStreams(prefix string) []Stream {
	return []Stream{
		{Name: prefix + "-spans-sdkhttp", Kind: Spans, Transport: SDK},
		{Name: prefix + "-spans-sdkgrpc", Kind: Spans, Transport: SDK},
		{Name: prefix + "-records-sdkhttp", Kind: Records, Transport: SDK},
	}
}

// sdk sends single items at the rate of the stream. An application hears nothing of
// its exports, so that every item counts as acknowledged: the SDK is to lose none.
func (c *client) sdk(ctx context.Context, stream Stream) {
	emit, shutdown, err := c.emitter(context.WithoutCancel(ctx), stream)
	if err != nil {
		c.fail(err)
		return
	}
	tick := time.NewTicker(time.Second * time.Duration(len(c.config.Streams)) / time.Duration(c.config.Rate))
	defer tick.Stop()
	began := time.Now()
	var number uint64
	for running := true; running; {
		select {
		case <-tick.C:
			emit(number)
			number++
		case <-ctx.Done():
			running = false
		}
	}
	c.fail(shutdown(c.giveUp)) //nolint:contextcheck // retries go on after the end of the load
	c.fail(c.ledger.Write(ledger.Entry{Outcome: ledger.Acked, Stream: stream.Name, Count: number, Sent: began, Ended: time.Now()}))
}

// emitter makes a provider as an application does.
func (c *client) emitter(ctx context.Context, stream Stream) (emit func(uint64), shutdown func(context.Context) error, err error) {
	service := resource.NewSchemaless(attribute.String("service.name", stream.Name))
	headers := map[string]string{"X-API-Key-ID": c.config.KeyID, "X-API-Key-Secret": c.config.KeySecret}
	if stream.Kind == Records {
		exporter, err := otlploghttp.New(ctx, otlploghttp.WithEndpoint(c.config.HTTP), otlploghttp.WithInsecure(), otlploghttp.WithHeaders(headers))
		if err != nil {
			return nil, nil, fmt.Errorf("make the SDK's log exporter: %w", err)
		}
		provider := sdklog.NewLoggerProvider(sdklog.WithResource(service), sdklog.WithProcessor(sdklog.NewBatchProcessor(exporter)))
		logger := provider.Logger("chaos")
		return func(n uint64) {
			var record otellog.Record
			record.SetTimestamp(time.Now())
			record.SetBody(attribute.StringValue("request served"))
			record.AddAttributes(attribute.Int64(NumberAttribute, int64(n)))
			logger.Emit(ctx, record)
		}, provider.Shutdown, nil
	}
	var exporter sdktrace.SpanExporter
	if stream.Name[len(stream.Name)-len("grpc"):] == "grpc" {
		exporter, err = otlptracegrpc.New(ctx, otlptracegrpc.WithEndpoint(c.config.GRPC), otlptracegrpc.WithInsecure(), otlptracegrpc.WithHeaders(headers))
	} else {
		exporter, err = otlptracehttp.New(ctx, otlptracehttp.WithEndpoint(c.config.HTTP), otlptracehttp.WithInsecure(), otlptracehttp.WithHeaders(headers))
	}
	if err != nil {
		return nil, nil, fmt.Errorf("make the SDK's trace exporter: %w", err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithResource(service), sdktrace.WithBatcher(exporter))
	tracer := provider.Tracer("chaos")
	stop := func(ctx context.Context) error { return errors.Join(provider.ForceFlush(ctx), provider.Shutdown(ctx)) }
	return func(n uint64) {
		_, span := tracer.Start(ctx, "GET /cart")
		span.SetAttributes(attribute.Int64(NumberAttribute, int64(n)))
		span.End()
	}, stop, nil
}
