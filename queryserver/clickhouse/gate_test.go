package clickhouse

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

func TestGate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		limits := LimitSettings{Queries: 3, QueriesPerTenant: 2, WaitingPerTenant: 1, QueueTimeout: time.Minute}
		g := newGate(limits)
		a, b := tenant.ID{1}, tenant.ID{2}
		enter := func(of tenant.ID) func() {
			leave, err := g.enter(t.Context(), of)
			require.NoError(t, err)
			return leave
		}
		one, two := enter(a), enter(a)
		waited := make(chan error, 1)
		go func() {
			_, err := g.enter(context.Background(), a)
			waited <- err
		}()
		synctest.Wait()
		_, err := g.enter(t.Context(), a)
		require.Equal(t, queryserver.TooMany, queryserver.CodeOf(err), "the line is full")
		other := enter(b) // another tenant has its own
		_, err = g.enter(t.Context(), b)
		require.Equal(t, queryserver.TooMany, queryserver.CodeOf(err), "all are taken for a minute")
		require.Equal(t, queryserver.TooMany, queryserver.CodeOf(<-waited))
		other()

		one()
		go func() {
			_, err := g.enter(context.Background(), a)
			waited <- err
		}()
		require.NoError(t, <-waited, "a turn that became free")
		two()

		gone, cancel := context.WithCancel(t.Context())
		cancel()
		busy := newGate(LimitSettings{Queries: 1, QueriesPerTenant: 1, WaitingPerTenant: 1, QueueTimeout: time.Minute})
		leave, err := busy.enter(t.Context(), a)
		require.NoError(t, err)
		_, err = busy.enter(gone, a)
		require.ErrorIs(t, err, context.Canceled)
		leave()
		require.Empty(t, busy.tenants)
	})
}
