package clickhouse

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/telemetryflow/telemetryflow/internal/testkit"
	"github.com/telemetryflow/telemetryflow/internal/testkit/telemetrytest"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// An engine that is down is Unavailable, and works again when it is back.
func TestStore_EngineDown(t *testing.T) {
	t.Parallel()
	engine := testkit.NewClickHouseServer(t)
	w := telemetrytest.On(t, engine.Database(t))
	settings := DefaultSettings()
	settings.Endpoint = configopaque.String(w.Database.URL)
	store, err := New(settings, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer store.Close()
	_, err = store.Services(t.Context(), scope(w.Tenant), day)
	require.NoError(t, err)
	engine.Kill()
	_, err = store.Services(t.Context(), scope(w.Tenant), day)
	var known *queryserver.Error
	require.ErrorAs(t, err, &known)
	require.Equal(t, queryserver.Unavailable, known.Code)
	require.NotZero(t, known.RetryAfter)
	engine.Start(t)
	require.Eventually(t, func() bool {
		_, err := store.Services(t.Context(), scope(w.Tenant), day)
		return err == nil
	}, patience, often)
}

// A schema that the program does not know is not read.
func TestStore_NoSchema(t *testing.T) {
	t.Parallel()
	settings := DefaultSettings()
	settings.Endpoint = configopaque.String(testkit.ClickHouse(t).URL)
	store, err := New(settings, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer store.Close()
	require.ErrorIs(t, store.CheckSchema(t.Context()), ErrSchema)
	_, err = store.Services(t.Context(), scope(telemetrytest.New(t).Tenant), day)
	require.Equal(t, queryserver.Unavailable, queryserver.CodeOf(err))
}

// What costs too much is refused in words that help, and without the engine's.
func TestStore_TooMuch(t *testing.T) {
	t.Parallel()
	w := setup(t)
	settings := DefaultSettings()
	settings.Endpoint, settings.Limits.RowsRead = configopaque.String(w.Database.URL), 1
	store, err := New(settings, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer store.Close()
	store.known.Store(true) // to look would cost too much already
	for range 2 {
		w.Logs(t, w.Tenant, record(noon, "x", map[string]string{"service.name": "shop"}, nil))
	}
	_, err = store.Services(t.Context(), scope(w.Tenant), day)
	require.Equal(t, queryserver.Invalid, queryserver.CodeOf(err), "%v", err)
	var known *queryserver.Error
	require.ErrorAs(t, err, &known)
	require.Contains(t, known.Message, "shorter time range")
}
