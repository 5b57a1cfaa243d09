package tenantotlpreceiver

import (
	"context"
	"fmt"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configauth"
	"go.opentelemetry.io/collector/config/configgrpc"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/telemetryflow/telemetryflow/internal/receipt"
)

func (r *otlpReceiver) startGRPC(ctx context.Context, host component.Host) error {
	cfg := *r.config.Protocols.GRPC.Get()
	t, err := r.transport("grpc", int64(cfg.MaxRecvMsgSizeMiB)<<20)
	if err != nil {
		return err
	}
	if t.authenticator, err = cfg.Auth.Get().GetServerAuthenticator(ctx, host.GetExtensions()); err != nil {
		return fmt.Errorf("protocols::grpc::auth: %w", err)
	}
	cfg.Auth = configoptional.None[configauth.Config]() // admit does it, with the headers of a refusal
	r.grpc, err = cfg.ToServer(ctx, host.GetExtensions(), r.settings.TelemetrySettings,
		configgrpc.WithGrpcServerOption(grpc.ForceServerCodecV2(rawCodec{})))
	if err != nil {
		return fmt.Errorf("make the gRPC server: %w", err)
	}
	for _, s := range r.signals {
		r.grpc.RegisterService(t.serviceDesc(s), nil) //nolint:contextcheck // each call brings its own
	}
	listener, err := cfg.NetAddr.Listen(ctx)
	if err != nil {
		return fmt.Errorf("listen for gRPC: %w", err)
	}
	r.settings.Logger.Info("listening for OTLP/gRPC", zap.String("endpoint", listener.Addr().String()))
	r.serve(host, func() error { return r.grpc.Serve(listener) })
	return nil
}

// serviceDesc describes an OTLP service. Export is declared as a stream that
// carries one message each way, which is the same on the wire: grpc-go receives
// and decompresses the message of a unary call before any of our code runs, and
// that of a stream when it is asked to, that is, after authentication.
func (t *transport) serviceDesc(s *signal) *grpc.ServiceDesc {
	return &grpc.ServiceDesc{
		ServiceName: s.service,
		HandlerType: (*any)(nil),
		Streams: []grpc.StreamDesc{{
			StreamName: "Export",
			Handler:    func(_ any, stream grpc.ServerStream) error { return t.serveStream(s, stream) },
		}},
	}
}

func (t *transport) serveStream(s *signal, stream grpc.ServerStream) error {
	start := time.Now()
	r, refused := t.export(s, stream)
	t.telemetry.answered(stream.Context(), t.name, s, start, refused)
	if refused != nil {
		return refused
	}
	stream.SetTrailer(metadata.Pairs(strings.ToLower(jobIDHeader), r.ID()))
	body, err := answer(encodingProtobuf, s, r)
	if err != nil {
		return internal()
	}
	return stream.SendMsg(&frame{body: mem.SliceBuffer(body)})
}

func (t *transport) export(s *signal, stream grpc.ServerStream) (r *receipt.Receipt, refused *refusal) {
	defer t.recovered(&refused)
	headers, _ := metadata.FromIncomingContext(stream.Context())
	ctx, limit, refused := t.admit(stream.Context(), headers, s)
	if limit.Limit > 0 {
		// It fails only after the headers were sent, which is later.
		_ = stream.SetHeader(limitMetadata(limit))
	}
	if refused != nil {
		return nil, refused
	}
	var received frame
	if err := stream.RecvMsg(&received); err != nil {
		return nil, refusalOfReceive(ctx, err)
	}
	size := received.body.Len()
	b, refused := t.decode(encodingProtobuf, s, received.body.ReadOnlyData())
	received.body.Free()
	if refused != nil {
		return nil, refused
	}
	return t.consume(ctx, encodingProtobuf, s, b, size)
}

// refusalOfReceive maps what grpc-go says about a message that it cannot take.
// grpc-go has then sent its own status already; this one is for the metrics.
func refusalOfReceive(ctx context.Context, err error) *refusal {
	st := status.Convert(err)
	switch {
	case ctx.Err() != nil:
		return canceled()
	case st.Code() == codes.ResourceExhausted:
		return tooLarge(st.Message())
	default:
		return &refusal{status: st, reason: "malformed"}
	}
}

// frame is a message as it is on the wire.
type frame struct{ body mem.Buffer }

// rawCodec hands messages over undecoded, so that both transports bound and
// decode bodies in the same way.
type rawCodec struct{}

func (rawCodec) Name() string { return "proto" }

func (rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{v.(*frame).body}, nil
}

func (rawCodec) Unmarshal(data mem.BufferSlice, v any) error {
	v.(*frame).body = data.MaterializeToBuffer(mem.DefaultBufferPool())
	return nil
}
