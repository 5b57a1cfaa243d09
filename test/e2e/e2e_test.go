//go:build linux

package e2e

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/telemetryflow/telemetryflow/internal/apikey/keyadmin"
	"github.com/telemetryflow/telemetryflow/internal/localstack/stacktest"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// The load: every kind of item, over every way, for each of two tenants at once.
const (
	requestsEach = 21
	itemsEach    = 100
	senders      = 8
)

// relations are where each kind of item is read.
var relations = map[string]string{
	"traces": "spans_v3", "logs": "logs_v3", "gauge": "metrics_v3", "sum": "metrics_v3",
	"histogram": "metric_histograms", "exponential_histogram": "metric_histograms", "summary": "metric_histograms",
}

func TestSystem(t *testing.T) {
	t.Parallel()
	stack := stacktest.Start(t)
	conn, err := grpc.NewClient("127.0.0.1:"+strconv.Itoa(stack.GRPCPort), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	to := &endpoints{grpc: conn, http: stack.HTTP}
	owners := []owner{newOwner(t, stack, "first"), newOwner(t, stack, "second")}

	t.Run("Load", func(t *testing.T) { testLoad(t, stack, to, owners) })
	t.Run("Forged", func(t *testing.T) { testForged(t, stack, to, owners) })
	t.Run("Refused", func(t *testing.T) { testRefused(t, stack, to, owners[0]) })
	t.Run("Telemetrygen", func(t *testing.T) { testTelemetrygen(t, stack, owners[0]) })
	t.Run("Revoked", func(t *testing.T) { testRevoked(t, stack, to, owners[1]) })
}

// task is one stream of requests: a kind of item over a way for a tenant.
type task struct {
	way      way
	kind     string
	owner    owner
	sequence *sequence
}

func testLoad(t *testing.T, stack *stacktest.Stack, to *endpoints, owners []owner) {
	kinds := append([]string{"traces", "logs"}, metricKinds...)
	var tasks []task
	for w, way := range ways {
		for _, kind := range kinds {
			for o, owner := range owners {
				tasks = append(tasks, task{way: way, kind: kind, owner: owner, sequence: &sequence{
					service: fmt.Sprintf("e2e-%d-%d-%s", o, w, kind), tenant: owner.tenant, start: time.Now(),
				}})
			}
		}
	}
	var acknowledged atomic.Int64
	queue := make(chan task)
	var group sync.WaitGroup
	for range senders {
		group.Go(func() {
			for one := range queue {
				acknowledged.Add(one.send(t, to))
			}
		})
	}
	for _, one := range tasks {
		queue <- one
	}
	close(queue)
	group.Wait()

	stack.AwaitQuery(t, strconv.FormatInt(acknowledged.Load(), 10), "SELECT (SELECT count() FROM spans_v3 WHERE service_name LIKE 'e2e-%%') + "+
		"(SELECT count() FROM logs_v3 WHERE service_name LIKE 'e2e-%%') + (SELECT count() FROM metrics_v3 WHERE service_name LIKE 'e2e-%%') + "+
		"(SELECT count() FROM metric_histograms WHERE service_name LIKE 'e2e-%%')")
	stored := 0
	for _, one := range tasks {
		where := fmt.Sprintf("FROM %s WHERE service_name = '%s'", relations[one.kind], one.sequence.service)
		require.Equal(t, one.owner.tenant, stack.Query(t, "SELECT arrayStringConcat(groupUniqArray(toString(tenant_id))) %s", where),
			"every row of %s has the tenant of its key", one.sequence.service)
		require.Equal(t, strconv.FormatInt(one.sequence.next, 10), stack.Query(t, "SELECT uniqExact(timestamp) %s", where), "%s: lost", one.sequence.service)
		rows, err := strconv.Atoi(stack.Query(t, "SELECT count() %s", where))
		require.NoError(t, err)
		require.EqualValues(t, one.sequence.next, rows, "%s: doubled", one.sequence.service)
		stored += rows
	}
	require.Equal(t, stack.Query(t, "SELECT count() FROM spans_v3 WHERE service_name LIKE 'e2e-%%'"),
		stack.Query(t, "SELECT sum(span_count) FROM traces_v3 WHERE service_name LIKE 'e2e-%%'"))
	fmt.Printf("FIGURE e2e_items_sent %d\nFIGURE e2e_items_stored %d\n", acknowledged.Load(), stored)
	require.EqualValues(t, acknowledged.Load(), stored)
	require.GreaterOrEqual(t, stored, 200_000)
}

// send returns the number of acknowledged items.
func (one task) send(t *testing.T, to *endpoints) (acknowledged int64) {
	for range requestsEach {
		var p payload
		switch one.kind {
		case "traces":
			p = one.sequence.spans(itemsEach)
		case "logs":
			p = one.sequence.records(itemsEach)
		default:
			p = one.sequence.dataPoints(one.kind, itemsEach)
		}
		ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience)
		rejected, err := one.way.send(ctx, to, one.owner.key, p)
		cancel()
		if err != nil || rejected != 0 {
			t.Errorf("%s over %s: %d rejected, %v", one.kind, one.way.name, rejected, err)
			return acknowledged
		}
		acknowledged += int64(p.items)
	}
	return acknowledged
}

// Nothing that a client says about the tenant outweighs its key.
func testForged(t *testing.T, stack *stacktest.Stack, to *endpoints, owners []owner) {
	mine, other := owners[0], owners[1]
	forged := &sequence{service: "forged", tenant: mine.tenant, start: time.Now()}
	for _, way := range ways {
		for _, kind := range []string{"traces", "logs", "gauge"} {
			p := forged.of(kind)
			p.resource().Attributes().PutStr("telemetryflow.workspace.id", other.workspace)
			p.resource().Attributes().PutStr("telemetryflow.tenant.id", other.tenant)
			rejected, err := way.send(t.Context(), to, mine.key, p)
			require.NoError(t, err, way.name)
			require.EqualValues(t, p.items, rejected, "%s over %s: a foreign tenant in the attributes", kind, way.name)

			_, err = way.send(withHeader(t.Context(), "x-tenant-id", other.tenant), to, mine.key, forged.of(kind))
			require.ErrorContains(t, err, refusal(way, "403", "PermissionDenied"), "a foreign tenant in the header")
			_, err = way.send(t.Context(), to, credential{id: mine.key.id, secret: other.key.secret}, forged.of(kind))
			require.ErrorContains(t, err, refusal(way, "401", "Unauthenticated"), "another key's secret")
		}
	}
	honest := &sequence{service: "honest", tenant: mine.tenant, start: time.Now()}
	for kind, relation := range map[string]string{"traces": "spans_v3", "logs": "logs_v3", "gauge": "metrics_v3"} {
		_, err := ways[0].send(t.Context(), to, mine.key, honest.of(kind))
		require.NoError(t, err)
		stack.AwaitQuery(t, "3", "SELECT count() FROM %s WHERE service_name = 'honest'", relation) // and what was before it
		require.Equal(t, "0", stack.Query(t, "SELECT count() FROM %s WHERE service_name = 'forged'", relation))
	}
}

// What a key may not send, or no more of, is refused over every way, and not stored.
func testRefused(t *testing.T, stack *stacktest.Stack, to *endpoints, o owner) {
	lacking := map[string]credential{
		"traces": o.newKey(t, stack, keyadmin.Limits{}, tenant.MetricsWrite, tenant.LogsWrite),
		"logs":   o.newKey(t, stack, keyadmin.Limits{}, tenant.MetricsWrite, tenant.TracesWrite),
		"gauge":  o.newKey(t, stack, keyadmin.Limits{}, tenant.LogsWrite, tenant.TracesWrite),
	}
	s := &sequence{service: "refused", tenant: o.tenant, start: time.Now()}
	for _, way := range ways {
		limited := o.newKey(t, stack, keyadmin.Limits{RequestsPerMinute: 1}, tenant.MetricsWrite, tenant.LogsWrite, tenant.TracesWrite)
		_, err := way.send(t.Context(), to, limited, (&sequence{service: "limited", tenant: o.tenant, start: time.Now()}).of("logs"))
		require.NoError(t, err, way.name)
		for _, kind := range []string{"traces", "logs", "gauge"} {
			_, err = way.send(t.Context(), to, limited, s.of(kind))
			require.ErrorContains(t, err, refusal(way, "429", "ResourceExhausted"), "%s over %s: the limit is used up", kind, way.name)
			_, err = way.send(t.Context(), to, lacking[kind], s.of(kind))
			require.ErrorContains(t, err, refusal(way, "403", "PermissionDenied"), "%s over %s: a permission is missing", kind, way.name)
			_, err = way.send(t.Context(), to, credential{}, s.of(kind))
			require.ErrorContains(t, err, refusal(way, "401", "Unauthenticated"), "%s over %s: no key", kind, way.name)
		}
	}
	stack.AwaitQuery(t, strconv.Itoa(3*len(ways)), "SELECT count() FROM logs_v3 WHERE service_name = 'limited'")
	for _, relation := range []string{"spans_v3", "logs_v3", "metrics_v3"} {
		require.Equal(t, "0", stack.Query(t, "SELECT count() FROM %s WHERE service_name = 'refused'", relation))
	}
}

func (s *sequence) of(kind string) payload {
	switch kind {
	case "traces":
		return s.spans(3)
	case "logs":
		return s.records(3)
	default:
		return s.dataPoints(kind, 3)
	}
}

func refusal(over way, http, grpc string) string {
	if strings.HasPrefix(over.name, "grpc") {
		return grpc
	}
	return http
}

// A revoked key stops working on the running collector.
func testRevoked(t *testing.T, stack *stacktest.Stack, to *endpoints, gone owner) {
	s := &sequence{service: "revoked", tenant: gone.tenant, start: time.Now()}
	_, err := ways[0].send(t.Context(), to, gone.key, s.spans(1))
	require.NoError(t, err)
	gone.revoke(t, stack)
	at := time.Now()
	require.Eventually(t, func() bool {
		_, err := ways[0].send(t.Context(), to, gone.key, s.spans(1))
		return err != nil && strings.Contains(err.Error(), "Unauthenticated")
	}, 5*time.Second, 20*time.Millisecond)
	t.Logf("revoked after %s", time.Since(at))
}
