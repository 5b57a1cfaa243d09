package clickhouse

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/internal/testkit/telemetrytest"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// noon is the time of the tests' items: of today, so that no retention ends.
var noon = time.Now().UTC().Truncate(24 * time.Hour).Add(-12 * time.Hour)

// day is the time range around noon.
var day = queryserver.TimeRange{From: noon.Add(-12 * time.Hour), To: noon.Add(12 * time.Hour)}

type world struct {
	*telemetrytest.World
	*Store
}

func setup(t testing.TB) *world {
	t.Helper()
	w := &world{World: telemetrytest.New(t)}
	settings := DefaultSettings()
	settings.Endpoint = configopaque.String(w.Database.URL)
	store, err := New(settings, slog.New(slog.NewTextHandler(t.Output(), nil)))
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close() })
	w.Store = store
	return w
}

// scope sees a tenant with all signals, through alternatives of predicates.
func scope(in tenant.Scope, alternatives ...[]queryserver.Predicate) queryserver.Scope {
	grants := make(map[queryserver.Permission]queryserver.Filter)
	for _, permission := range []queryserver.Permission{queryserver.MetricsRead, queryserver.LogsRead, queryserver.TracesRead} {
		grants[permission] = queryserver.Union(alternatives...)
	}
	return queryserver.NewScope(tenant.ID{1}, in, grants)
}

// record makes a log record of a service with attributes of its resource and its own.
func record(at time.Time, body string, resource, own map[string]string) plog.Logs {
	ld := plog.NewLogs()
	r := ld.ResourceLogs().AppendEmpty()
	put(r.Resource().Attributes(), resource)
	one := r.ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	one.SetTimestamp(pcommon.NewTimestampFromTime(at))
	one.Body().SetStr(body)
	put(one.Attributes(), own)
	return ld
}

func put(attributes pcommon.Map, values map[string]string) {
	for key, value := range values {
		attributes.PutStr(key, value)
	}
}

const (
	patience = 20 * time.Second
	often    = 50 * time.Millisecond
)
