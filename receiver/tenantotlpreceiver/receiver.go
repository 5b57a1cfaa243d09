package tenantotlpreceiver

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receiverhelper"
	"golang.org/x/time/rate"
	"google.golang.org/grpc"
)

// notDurableLogInterval keeps a misconfigured pipeline from flooding the log.
const notDurableLogInterval = 10 * time.Second

// otlpReceiver runs the servers of one configuration for all its signals.
type otlpReceiver struct {
	config        *Config
	settings      receiver.Settings
	signals       []*signal
	telemetry     *instruments
	notDurableLog rate.Sometimes
	forget        func()

	startOnce, stopOnce sync.Once
	startErr, stopErr   error
	grpc                *grpc.Server
	http                *http.Server
	serving             sync.WaitGroup
}

func newReceiver(cfg *Config, set receiver.Settings, forget func()) (*otlpReceiver, error) {
	telemetry, err := newInstruments(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	return &otlpReceiver{
		config:        cfg,
		settings:      set,
		telemetry:     telemetry,
		notDurableLog: rate.Sometimes{Interval: notDurableLogInterval},
		forget:        forget,
	}, nil
}

// Start runs once although the Collector calls it for every signal.
func (r *otlpReceiver) Start(ctx context.Context, host component.Host) error {
	r.startOnce.Do(func() {
		if r.startErr = r.start(ctx, host); r.startErr != nil {
			r.startErr = errors.Join(r.startErr, r.Shutdown(ctx))
		}
	})
	return r.startErr
}

func (r *otlpReceiver) start(ctx context.Context, host component.Host) error {
	if r.config.Protocols.GRPC.HasValue() {
		if err := r.startGRPC(ctx, host); err != nil {
			return err
		}
	}
	if r.config.Protocols.HTTP.HasValue() {
		return r.startHTTP(ctx, host)
	}
	return nil
}

func (r *otlpReceiver) transport(name string, maxBody int64) (*transport, error) {
	obs, err := receiverhelper.NewObsReport(receiverhelper.ObsReportSettings{
		ReceiverID:             r.settings.ID,
		Transport:              name,
		ReceiverCreateSettings: r.settings,
	})
	return &transport{
		otlpReceiver: r,
		name:         name,
		shape:        shape{depth: r.config.MaxValueDepth, memory: maxGrowth * maxBody},
		obs:          obs,
	}, err
}

// serve runs a server until it is shut down. A server that ends otherwise is
// fatal: a collector that no longer listens must not look healthy.
func (r *otlpReceiver) serve(host component.Host, run func() error) {
	r.serving.Go(func() {
		err := run()
		if err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, grpc.ErrServerStopped) {
			componentstatus.ReportStatus(host, componentstatus.NewFatalErrorEvent(err))
		}
	})
}

// Shutdown stops listening and waits for the requests in flight, at most for
// drain_timeout. Clients that are still sending then repeat their request.
func (r *otlpReceiver) Shutdown(ctx context.Context) error {
	r.stopOnce.Do(func() {
		defer r.forget()
		ctx, cancel := context.WithTimeout(ctx, r.config.DrainTimeout)
		defer cancel()
		var stopping sync.WaitGroup
		if r.grpc != nil {
			stopping.Go(func() { stopGRPC(ctx, r.grpc) })
		}
		if r.http != nil {
			stopping.Go(func() { r.stopErr = stopHTTP(ctx, r.http) })
		}
		stopping.Wait()
		r.serving.Wait()
	})
	return r.stopErr
}

func stopGRPC(ctx context.Context, server *grpc.Server) {
	overdue := context.AfterFunc(ctx, server.Stop)
	defer overdue()
	server.GracefulStop()
}

func stopHTTP(ctx context.Context, server *http.Server) error {
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return server.Close()
	}
	return err
}
