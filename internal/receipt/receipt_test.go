package receipt_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pipeline"

	"github.com/telemetryflow/telemetryflow/internal/receipt"
)

func TestReceipt_Counts(t *testing.T) {
	t.Parallel()
	r := receipt.New(pipeline.SignalLogs)
	require.Regexp(t, "^[0-9a-f]{32}$", r.ID())
	require.NotEqual(t, r.ID(), receipt.New(pipeline.SignalLogs).ID())
	r.Reject(pipeline.SignalLogs, 2, "too old")
	r.Reject(pipeline.SignalLogs, 1, "too old")
	r.Reject(pipeline.SignalLogs, 1, "not yours")
	r.Filter(pipeline.SignalLogs, 3)
	r.Durable(pipeline.SignalLogs, 4)
	require.Equal(t, receipt.Counts{Rejected: 4, Filtered: 3, Durable: 4}, r.Counts())
	require.Equal(t, 11, r.Counts().Accounted())
	require.Equal(t, "too old; not yours", r.Message())
}

func TestReceipt_IgnoresOtherSignals(t *testing.T) {
	t.Parallel()
	r := receipt.New(pipeline.SignalTraces)
	r.Durable(pipeline.SignalMetrics, 5)
	r.Reject(pipeline.SignalLogs, 5, "not of this request")
	require.Zero(t, r.Counts().Accounted())
	require.Empty(t, r.Message())
}

func TestReceipt_BoundsMessages(t *testing.T) {
	t.Parallel()
	r := receipt.New(pipeline.SignalLogs)
	for i := range 100 {
		r.Reject(pipeline.SignalLogs, 1, fmt.Sprint("reason ", i))
	}
	require.Equal(t, 100, r.Counts().Rejected)
	require.Len(t, strings.Split(r.Message(), "; "), 8)
}

func TestReceipt_Context(t *testing.T) {
	t.Parallel()
	r := receipt.New(pipeline.SignalLogs)
	require.Same(t, r, receipt.FromContext(receipt.NewContext(context.Background(), r)))
	none := receipt.FromContext(context.Background())
	require.Nil(t, none)
	none.Reject(pipeline.SignalLogs, 1, "behind a receiver without receipts")
	none.Filter(pipeline.SignalLogs, 1)
	none.Durable(pipeline.SignalLogs, 1)
}

func TestReceipt_Concurrent(t *testing.T) {
	t.Parallel()
	r := receipt.New(pipeline.SignalLogs)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				r.Durable(pipeline.SignalLogs, 1)
				r.Reject(pipeline.SignalLogs, 1, "x")
			}
		})
	}
	all.Wait()
	require.Equal(t, receipt.Counts{Rejected: 8000, Durable: 8000}, r.Counts())
}
