//go:build linux

package chaos

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/localstack/stacktest"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/faultproxy"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/load"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/rig"
)

// fault is something that goes wrong between the collector and what it depends on,
// and ends after a while.
type fault struct {
	name  string
	begin func(*testing.T, *rig.Rig)
	end   func(*testing.T, *rig.Rig)
	seen  func(*rig.Rig) int64 // counts what it has done; nil: that is certain
}

func brokenInserts(r *rig.Rig) int64 { return r.Proxy.Broken.Load() }
func failedInserts(r *rig.Rig) int64 { return r.Proxy.Failed.Load() }

func broken(name string, f faultproxy.Fault) fault {
	return fault{name,
		func(_ *testing.T, r *rig.Rig) { r.Proxy.Set(f) },
		func(_ *testing.T, r *rig.Rig) { r.Proxy.Set(faultproxy.Pass) }, brokenInserts}
}

// insertTimeout is the collector's here: short, so that a hanging insert is tried
// again within a test.
const insertTimeout = "yaml:exporters::tenant_clickhouse::timeout: 1s"

// engineFaults are those for which clients may be made to wait, but nothing is lost
// or doubled.
var engineFaults = []fault{
	broken("ClickHouse stores, the reply is lost", faultproxy.Every(2, faultproxy.DropReply)),
	broken("the connection breaks before ClickHouse has the insert", faultproxy.Every(2, faultproxy.DropRequest)),
	broken("ClickHouse hangs", faultproxy.Hang),
	broken("ClickHouse is slow", faultproxy.Slow(300*time.Millisecond)),
	broken("ClickHouse: too many parts (252)", faultproxy.Code(252)),
	broken("ClickHouse: memory limit (241)", faultproxy.Code(241)),
	broken("ClickHouse: too many queries (202)", faultproxy.Code(202)),
	broken("ClickHouse: table is read-only (242)", faultproxy.Code(242)),
	broken("ClickHouse: disk full (243)", faultproxy.Code(243)),
	broken("ClickHouse: column missing (16)", faultproxy.Code(16)),
	broken("ClickHouse stores, and says timeout (209)", faultproxy.Every(2, faultproxy.CodeAfter(209))),
	{"ClickHouse refuses connections",
		func(_ *testing.T, r *rig.Rig) { r.Proxy.Down() },
		func(t *testing.T, r *rig.Rig) { require.NoError(t, r.Proxy.Up()) }, nil},
	{"the engine is stopped (SIGSTOP)",
		func(_ *testing.T, r *rig.Rig) { r.Engine.Freeze() },
		func(_ *testing.T, r *rig.Rig) { r.Engine.Thaw() }, nil},
	{"the collector is stopped (SIGSTOP)",
		func(_ *testing.T, r *rig.Rig) { r.Collector.Freeze() },
		func(_ *testing.T, r *rig.Rig) { r.Collector.Thaw() }, nil},
	viewFault,
}

// viewFault adds views that throw, when ClickHouse has already stored the rows and
// perhaps what other views make of them.
var viewFault = fault{"a materialized view fails",
	func(t *testing.T, r *rig.Rig) {
		require.NoError(t, r.Database.Exec(t.Context(), "CREATE TABLE IF NOT EXISTS nowhere (x UInt8) ENGINE = Null"))
		for _, table := range [...]string{"spans", "logs", "metric_samples", "metric_series"} {
			require.NoError(t, r.Database.Exec(t.Context(),
				"CREATE MATERIALIZED VIEW throwing_%[1]s TO nowhere AS SELECT throwIf(count() > 0) AS x FROM %[1]s", table))
		}
	},
	func(t *testing.T, r *rig.Rig) {
		for _, table := range [...]string{"spans", "logs", "metric_samples", "metric_series"} {
			require.NoError(t, r.Database.Exec(t.Context(), "DROP VIEW throwing_%s", table))
		}
	}, failedInserts}

// dependencyFaults must not be noticed by any client: known keys keep working.
var dependencyFaults = []fault{
	{"PostgreSQL is killed",
		func(_ *testing.T, r *rig.Rig) { r.Postgres.Kill() },
		func(t *testing.T, r *rig.Rig) { r.Postgres.Start(t) }, nil},
	{"PostgreSQL is out of reach",
		func(_ *testing.T, r *rig.Rig) { r.PostgresPipe.Cut() },
		func(_ *testing.T, r *rig.Rig) { r.PostgresPipe.Mend() }, nil},
	{"PostgreSQL hangs",
		func(_ *testing.T, r *rig.Rig) { r.PostgresPipe.Freeze() },
		func(_ *testing.T, r *rig.Rig) { r.PostgresPipe.Thaw() }, nil},
	{"Redis hangs",
		func(_ *testing.T, r *rig.Rig) { r.RedisPipe.Freeze() },
		func(_ *testing.T, r *rig.Rig) { r.RedisPipe.Thaw() }, nil},
	{"Redis is killed",
		func(_ *testing.T, r *rig.Rig) { r.Redis.Stop() },
		func(t *testing.T, r *rig.Rig) { r.Redis.Start(t) }, nil},
}

func TestFault_Engine(t *testing.T) {
	t.Parallel()
	r := rig.New(t)
	r.Over = append(r.Over, insertTimeout)
	for _, f := range engineFaults {
		t.Run(f.name, func(t *testing.T) {
			verdict, recovery := faultRound(t, r, f)
			keepOne(t, f.name, verdict, recovery)
		})
	}
}

func TestFault_Dependency(t *testing.T) {
	t.Parallel()
	r := rig.New(t)
	for _, f := range dependencyFaults {
		t.Run(f.name, func(t *testing.T) {
			verdict, recovery := faultRound(t, r, f)
			keepOne(t, f.name, verdict, recovery)
			require.Zero(t, verdict.Refused+verdict.Unknown, "clients noticed it")
		})
	}
}

// faultRound lets a fault happen under load. Recovery is the time from its end until
// everything that was acknowledged is stored.
func faultRound(t *testing.T, r *rig.Rig, f fault) (rig.Verdict, time.Duration) {
	t.Helper()
	r.StartCollector(t)
	client := r.StartLoad(t, word(f.name), func(c *load.Config) { c.Rate = *flagRate })
	client.AwaitAcked(t, 1)
	before := int64(0)
	if f.seen != nil {
		before = f.seen(r)
	}
	f.begin(t, r)
	time.Sleep(*flagFault)
	if f.seen != nil {
		require.Eventually(t, func() bool { return f.seen(r) > before }, stacktest.Patience, stacktest.Often, "the fault has met no insert")
	}
	f.end(t, r)
	ended := time.Now()
	client.AwaitMore(t)
	client.Stop(t)
	r.Settle(t, client)
	recovery := time.Since(ended)
	r.Collector.Terminate()
	return r.Judge(t, client), recovery
}

// word makes the name of a stream of a fault's.
func word(name string) string {
	keep := func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			return c
		}
		return -1
	}
	return strings.Map(keep, strings.ToLower(name))
}
