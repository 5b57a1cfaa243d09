package tenantotlpreceiver

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pipeline"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	ownmetadata "github.com/telemetryflow/telemetryflow/receiver/tenantotlpreceiver/internal/metadata"
)

// contractFactory lets the contract checker's receivers find an authenticator.
func contractFactory() receiver.Factory {
	inner := NewFactory()
	return receiver.NewFactory(ownmetadata.Type, inner.CreateDefaultConfig, receiver.WithLogs(
		func(ctx context.Context, set receiver.Settings, cfg component.Config, next consumer.Logs) (receiver.Logs, error) {
			r, err := inner.CreateLogs(ctx, set, cfg, next)
			return withAuth{r}, err
		}, component.StabilityLevelBeta))
}

type withAuth struct{ component.Component }

func (w withAuth) Start(ctx context.Context, host component.Host) error {
	return w.Component.Start(ctx, authHost{Host: host, server: testAuth{}})
}

// logGenerator is an OTLP client that repeats what it may repeat.
type logGenerator struct {
	t        *testing.T
	endpoint string
	conn     *grpc.ClientConn
	next     atomic.Int64
}

func (g *logGenerator) Start() {
	var err error
	g.conn, err = grpc.NewClient(g.endpoint, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(g.t, err)
}

func (g *logGenerator) Stop() { require.NoError(g.t, g.conn.Close()) }

func (g *logGenerator) Generate() []receivertest.UniqueIDAttrVal {
	id := receivertest.UniqueIDAttrVal(strconv.FormatInt(g.next.Add(1), 10))
	request := plogotlp.NewExportRequestFromLogs(receivertest.CreateOneLogWithID(id))
	for {
		_, err := plogotlp.NewGRPCClient(g.conn).Export(withKey(context.Background(), "good"), request)
		if code := status.Code(err); code != codes.Unavailable {
			if err != nil && code != codes.Internal {
				g.t.Error(errors.New("unexpected answer"), err)
			}
			return []receivertest.UniqueIDAttrVal{id}
		}
	}
}

func TestReceiver_ConsumeContract(t *testing.T) {
	t.Parallel()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	endpoint := free.Addr().String()
	require.NoError(t, free.Close())
	cfg := testConfig()
	cfg.Protocols.GRPC.Get().NetAddr.Endpoint = endpoint
	receivertest.CheckConsumeContract(receivertest.CheckConsumeContractParams{
		T:             t,
		Factory:       contractFactory(),
		Signal:        pipeline.SignalLogs,
		Config:        cfg,
		Generator:     &logGenerator{t: t, endpoint: endpoint},
		GenerateCount: 1000,
	})
}
