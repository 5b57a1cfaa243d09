//go:build linux

package jobs

import (
	"context"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/localstack/stacktest"
)

const (
	plain = "behind-proxy.yaml" // without TLS
	// A processor that removes items on the operator's wish.
	filter = "yaml:{processors: {filter: {traces: {span: ['resource.attributes[\"service.name\"] == \"jobs-unwanted\"']}}}, " +
		"service: {pipelines: {traces: {processors: [memory_limiter, tenant_context, filter]}}}}"
	down = "yaml:exporters::tenant_clickhouse::endpoint: http://127.0.0.1:1/telemetryflow"
)

func TestJobs(t *testing.T) {
	t.Parallel()
	stack := stacktest.Start(t)
	key, other := stack.Key, stack.SystemKey(t)

	// One collector cannot reach ClickHouse and is killed; another one answers for it all
	// the time, until the first is back.
	t.Run("OtherCollector", func(t *testing.T) {
		t.Parallel()
		one, two := stack.StartGateway(t, "", "", plain), stack.StartGateway(t, "", "", plain)
		one.Kill()
		one.StartAgain(t, down)
		id := mustExport(t, one, key, stacktest.Span("jobs-other"))
		waits := job{JobID: id, Signal: "traces", Status: "accepted", Accepted: 1}
		require.Equal(t, waits, ask(t, one, key, id))
		await(t, two, key, waits)
		a := ledger(t, one, key)
		require.Equal(t, 1, a.Queued)
		require.Positive(t, a.Age)
		one.Kill()
		require.Equal(t, waits, ask(t, two, key, id))
		one.StartAgain(t, down)
		require.Equal(t, waits, ask(t, one, key, id), "of the log's former opening")
		require.Equal(t, 1, ledger(t, one, key).Queued)
		one.Kill()
		one.StartAgain(t)
		stored := job{JobID: id, Signal: "traces", Status: "stored", Accepted: 1, Stored: 1}
		await(t, one, key, stored)
		await(t, two, key, stored)
		require.Equal(t, account{Tenant: a.Tenant, Signal: "traces", Accepted: 1, Stored: 1, Refused: map[string]uint64{}}, ledger(t, one, key))
		one.Kill()
		require.Equal(t, stored, ask(t, two, key, id))

		require.Zero(t, ask(t, two, other, id), "another key's")
		one.StartAgain(t)
		for i := range 5 { // once the new writer is known, there is no moment at which its jobs are not
			next := mustExport(t, one, key, stacktest.Span("jobs-next"))
			if i > 0 {
				require.Equal(t, next, ask(t, two, key, next).JobID)
			}
			await(t, two, key, job{JobID: next, Signal: "traces", Status: "stored", Accepted: 1, Stored: 1})
		}
		forged := strings.Repeat("A", 10) + id[10:]
		require.Zero(t, ask(t, two, key, forged))
		require.Zero(t, ask(t, two, key, id[:len(id)-2]+"AA"))
		require.Zero(t, ask(t, two, key, "no-id"))
		stack.AwaitSpans(t, "jobs-other", 1)
	})

	t.Run("Repeats", func(t *testing.T) {
		t.Parallel()
		one, two := stack.StartGateway(t, "", "", plain), stack.StartGateway(t, "", "", plain)
		body := stacktest.Span("jobs-repeat")
		id := mustExport(t, one, key, body)
		require.Equal(t, id, mustExport(t, one, key, body))
		one.Kill()
		one.StartAgain(t)
		require.Equal(t, id, mustExport(t, one, key, body), "after a crash")
		stack.AwaitSpans(t, "jobs-repeat", 1)
		require.Equal(t, 1, ledger(t, one, key).Accepted)

		// Redis is told beside the answer.
		apart := stacktest.Span("jobs-apart")
		first := mustExport(t, one, key, apart)
		stack.AwaitSpans(t, "jobs-apart", 1)
		require.Equal(t, first, mustExport(t, two, key, apart), "by another collector")
		require.NotEqual(t, first, mustExport(t, two, other, apart), "another key's, so another tenant's")
		stack.AwaitSpans(t, "jobs-apart", 2)
	})

	t.Run("Filtered", func(t *testing.T) {
		t.Parallel()
		one := stack.StartGateway(t, "", "", plain, filter)
		wanted, unwanted := stacktest.Span("jobs-wanted"), stacktest.Span("jobs-unwanted")
		both := strings.TrimSuffix(wanted, "]}") + "," + strings.TrimPrefix(unwanted, `{"resourceSpans":[`)
		id := mustExport(t, one, key, both)
		await(t, one, key, job{JobID: id, Signal: "traces", Status: "stored", Accepted: 1, Stored: 1})
		a := ledger(t, one, key)
		require.Equal(t, []int{2, 1, 1}, []int{a.Accepted, a.Stored, a.Filtered})
		stack.AwaitSpans(t, "jobs-wanted", 1)
		require.NotContains(t, one.Output(), "acknowledged items that no component says it has stored")
	})

	// Collectors are killed under load. Clients repeat what was not answered, and at the
	// end everything: each request is stored once and has one id.
	t.Run("Crashes", func(t *testing.T) {
		t.Parallel()
		one := stack.StartGateway(t, "", "", plain, "yaml:extensions::write_ahead_log::redis::url: ")
		const clients, requests, kills = 8, 40, 4
		ids := make([][]string, clients)
		bodies := make([][]string, clients)
		done := make(chan struct{}, clients*requests)
		var all sync.WaitGroup
		for c := range clients {
			ids[c], bodies[c] = make([]string, requests), make([]string, requests)
			for i := range requests {
				bodies[c][i] = stacktest.Span("jobs-crash")
			}
			all.Go(func() {
				often := time.NewTicker(10 * time.Millisecond)
				defer often.Stop()
				for i, body := range bodies[c] {
					for ids[c][i] == "" && t.Context().Err() == nil {
						<-often.C
						ids[c][i], _ = export(context.WithoutCancel(t.Context()), one, key, body)
					}
					done <- struct{}{}
				}
			})
		}
		for range kills {
			for range clients*requests/(kills+2) + rand.IntN(5) {
				<-done
			}
			one.Kill()
			one.StartAgain(t)
			ledger(t, one, key)
		}
		all.Wait()
		for c := range clients {
			for i, body := range bodies[c] {
				require.Equal(t, ids[c][i], mustExport(t, one, key, body))
			}
		}
		stack.AwaitSpans(t, "jobs-crash", clients*requests)
		require.Eventually(t, func() bool { return ledger(t, one, key).Queued == 0 }, stacktest.Patience, stacktest.Often)
		a := ledger(t, one, key)
		require.Equal(t, clients*requests, a.Accepted)
		require.Equal(t, clients*requests, a.Stored)
		require.Equal(t, strconv.Itoa(clients*requests), stack.Query(t, "SELECT uniqExact(span_id) FROM spans_v3 WHERE service_name = 'jobs-crash'"))
	})
}
