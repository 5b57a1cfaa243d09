package tenantotlpreceiver

import (
	"context"
	"errors"
	"runtime/debug"

	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/extension/extensionauth"
	"go.opentelemetry.io/collector/receiver/receiverhelper"
	"go.uber.org/zap"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/receipt"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// transport is what the two servers share of the receiver.
type transport struct {
	*otlpReceiver
	name          string // "grpc" or "http", in metrics
	authenticator extensionauth.Server
	shape         shape // what a request may be at most
	obs           *receiverhelper.ObsReport
}

// admit authenticates a caller and checks that it may send the signal. It runs
// before the body is read, so that strangers cost neither memory nor decoding.
// The key's request limit comes back with refusals too, for their headers.
func (t *transport) admit(ctx context.Context, headers map[string][]string, s *signal) (context.Context, apikey.RateLimit, *refusal) {
	admitted, limit, refused := t.authenticate(ctx, headers)
	if refused != nil {
		return ctx, limit, refused
	}
	auth, ok := client.FromContext(admitted).Auth.(*tenant.Auth)
	if ok && !auth.Principal.Allows(s.permission) {
		return ctx, limit, forbidden("the API key lacks the permission " + string(s.permission))
	}
	return admitted, limit, nil
}

// authenticate finds out who calls.
func (t *transport) authenticate(ctx context.Context, headers map[string][]string) (context.Context, apikey.RateLimit, *refusal) {
	admitted, err := t.authenticator.Authenticate(ctx, headers)
	if err != nil {
		limit, _ := apikey.RateLimitFromError(err)
		return ctx, limit, refusalOfAuth(ctx, err)
	}
	limit, _ := apikey.RateLimitFromContext(admitted)
	return admitted, limit, nil
}

// decode turns a body into a batch. pdata copies what it keeps of the body.
func (t *transport) decode(enc encoding, s *signal, body []byte) (batch, *refusal) {
	notOTLP := "the request body is not an OTLP export request for " + s.name.String() + " in " + enc.format()
	if err := t.shape.check(enc, s.schema, body); errors.Is(err, errGrowth) {
		return batch{}, tooLarge(errGrowth.Error())
	} else if err != nil {
		return batch{}, malformed(notOTLP, err)
	}
	b, err := s.decode(enc, body)
	if err != nil {
		return batch{}, malformed(notOTLP, err)
	}
	return b, nil
}

// consume hands a batch to the pipeline and accounts for its items. A request
// without items is a success that nobody needs to hear of.
func (t *transport) consume(ctx context.Context, enc encoding, s *signal, b batch, bodySize int) (*receipt.Receipt, *refusal) {
	r := receipt.Open(s.name, receipt.Request{Items: b.items, Bytes: bodySize, Identity: b.identity})
	if b.items == 0 {
		return r, nil
	}
	if err := apikey.Spend(ctx, b.items, bodySize); err != nil {
		return nil, refusalOfPipeline(ctx, err)
	}
	ctx = s.startOp(t.obs, receipt.NewContext(ctx, r))
	err := b.consume(ctx)
	s.endOp(t.obs, ctx, enc.format(), b.items, err)
	if err != nil {
		t.settings.Logger.Debug("pipeline refused a request", zap.Stringer("signal", s.name), zap.Error(err))
		return nil, refusalOfPipeline(ctx, err)
	}
	t.account(ctx, s, b.items, r.Counts())
	return r, nil
}

// account meters a success, and makes noise about items whose fate is unknown:
// some component acknowledged from memory or dropped them without a word.
func (t *transport) account(ctx context.Context, s *signal, items int, counts receipt.Counts) {
	t.telemetry.accepted(ctx, t.name, s, items-counts.Rejected)
	missing := items - counts.Accounted()
	if missing <= 0 {
		return
	}
	t.telemetry.notDurable(ctx, t.name, s, missing)
	t.notDurableLog.Do(func() {
		t.settings.Logger.Warn("acknowledged items that no component says it has stored: a processor that answers "+
			"from memory, such as tail_sampling or batch, or an exporter with a queue in memory is in the pipeline",
			zap.Stringer("signal", s.name), zap.Int("items", missing))
	})
}

// recovered keeps a panic to the request that caused it. It must be deferred
// directly.
func (t *transport) recovered(refused **refusal) {
	if cause := recover(); cause != nil {
		t.settings.Logger.Error("panic while serving a request", zap.Any("panic", cause), zap.ByteString("stack", debug.Stack()))
		*refused = internal()
	}
}
