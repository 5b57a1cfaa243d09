package tenantclickhouseexporter

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pipeline"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/metadata"
	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/spool"
	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/deadletter"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
	"github.com/telemetryflow/telemetryflow/internal/wal"
)

const patience, often = time.Minute, 20 * time.Millisecond

// logFolder is the host of a collector whose only extension keeps logs in a folder.
type logFolder string

func (f logFolder) GetExtensions() map[component.ID]component.Component {
	return map[component.ID]component.Component{component.MustNewID("write_ahead_log"): f}
}
func (logFolder) Start(context.Context, component.Host) error { return nil }
func (logFolder) Shutdown(context.Context) error              { return nil }

func (f logFolder) OpenLog(name string) (string, *wal.Log, error) {
	path := filepath.Join(string(f), name)
	disk, err := wal.Folder(path)
	if err != nil {
		return "", nil, err
	}
	log, err := wal.Open(disk, wal.Settings{SegmentSize: 1 << 20, MaxSize: 64 << 20})
	return path, log, err
}

func loggedConfig(url string) *Config {
	config := testConfig(url)
	config.Ack = ackSynced
	storage := component.MustNewID("write_ahead_log")
	config.SendingQueue.Storage = &storage
	config.Batch.MaxAge = 10 * time.Millisecond
	return config
}

// storeOf is a running exporter, whose inside the test can see.
type storeOf struct {
	*store
	*logged
	stop func()
}

// fixedSettings are those of one and the same component.
func fixedSettings() exporter.Settings {
	set := exportertest.NewNopSettings(metadata.Type)
	set.ID = component.NewID(metadata.Type)
	return set
}

func startLogged(t *testing.T, folder logFolder, config *Config, signal pipeline.Signal, change ...func(*logged)) *storeOf {
	t.Helper()
	require.NoError(t, config.Validate())
	s, err := newStore(fixedSettings(), config, signal)
	require.NoError(t, err)
	for _, c := range change {
		c(s.front.(*logged))
	}
	require.NoError(t, s.start(t.Context(), folder))
	stopped := false
	running := &storeOf{store: s, logged: s.front.(*logged), stop: func() {
		if !stopped {
			stopped = true
			require.NoError(t, s.shutdown(context.Background()))
		}
	}}
	t.Cleanup(running.stop)
	return running
}

// account is the only account of the log.
func (s *storeOf) account(t *testing.T) spool.AccountView {
	t.Helper()
	all := s.spool.Accounts()
	require.Len(t, all, 1)
	require.Equal(t, all[0].Accepted, all[0].Stored+all[0].Queued+all[0].Dead+all[0].Filtered)
	return all[0]
}

// caller is the context of a call with an API key.
func caller(t *testing.T) (context.Context, spool.KeyID) {
	t.Helper()
	id := apikey.NewCredential().ID
	workspace, err := tenant.ParseID(workspaceID)
	require.NoError(t, err)
	owner, err := tenant.ParseID(tenantA)
	require.NoError(t, err)
	principal := tenant.NewTenantPrincipal(id.String(), workspace, tenant.Scope{Workspace: workspace, Tenant: owner}, nil)
	return client.NewContext(t.Context(), client.Info{Auth: &tenant.Auth{Principal: principal}}), spool.KeyID(id)
}

func awaitCount(t *testing.T, url, query string, want int) {
	t.Helper()
	conn := open(t, url)
	got := 0
	require.Eventually(t, func() bool { got = count(t, conn, query); return got == want }, patience, often, "%s: want %d", query, want)
}

// What was acknowledged while ClickHouse was down is stored once after two restarts of
// the exporter, and the accounts know of it all the time.
func TestLogged_ClickHouseDown(t *testing.T) {
	t.Parallel()
	server := testkit.NewClickHouseServer(t)
	database := server.Database(t)
	migrateSchema(t, database.URL)
	server.Kill()
	folder := logFolder(t.TempDir())
	ctx, key := caller(t)
	config := loggedConfig(database.URL)
	for run := range 2 {
		s := startLogged(t, folder, config, pipeline.SignalTraces)
		for range 3 {
			require.NoError(t, s.pushTraces(ctx, spans(tenantA, 5)))
		}
		a := s.account(t)
		require.EqualValues(t, 15*(run+1), a.Accepted)
		require.EqualValues(t, 15*(run+1), a.Queued)
		require.Equal(t, key, a.Key)
		require.False(t, a.Oldest.IsZero())
		begin := time.Now()
		s.stop()
		require.Less(t, time.Since(begin), 10*time.Second)
	}
	server.Start(t)
	s := startLogged(t, folder, config, pipeline.SignalTraces)
	awaitCount(t, database.URL, "SELECT count() FROM spans_v3", 30)
	require.Eventually(t, func() bool { return s.account(t).Stored == 30 }, patience, often)
	s.stop()
	s = startLogged(t, folder, config, pipeline.SignalTraces)
	require.EqualValues(t, 30, s.account(t).Stored)
	conn := open(t, database.URL)
	require.Equal(t, 30, count(t, conn, "SELECT count() FROM spans_v3"))
	require.Equal(t, 30, count(t, conn, "SELECT toUInt64(sum(span_count)) FROM traces_v3"))
}

func TestLogged_LostAnswer(t *testing.T) {
	t.Parallel()
	database := testkit.ClickHouse(t)
	migrateSchema(t, database.URL)
	proxy := newProxy(t, database.URL)
	proxy.dropAnswers.Store(3)
	s := startLogged(t, logFolder(t.TempDir()), loggedConfig(proxy.url), pipeline.SignalTraces)
	ctx, _ := caller(t)
	require.NoError(t, s.pushTraces(ctx, spans(tenantA, 5)))
	require.Eventually(t, func() bool { return s.account(t).Stored == 5 }, patience, often)
	conn := open(t, database.URL)
	require.Equal(t, 5, count(t, conn, "SELECT count() FROM spans_v3"))
	require.Equal(t, 5, count(t, conn, "SELECT toUInt64(sum(span_count)) FROM traces_v3"))
	require.Equal(t, 5, count(t, conn, "SELECT toUInt64(sum(item_count)) FROM mv_service_list"))
}

// One collector is stopped with a batch that is inserted and not known to be; another
// one inserts until ClickHouse has forgotten the batch's token. The batch is found by
// its rows, in each of its partitions, and what is missing of it is stored.
func TestLogged_ForgottenToken(t *testing.T) {
	t.Parallel()
	for _, signal := range []pipeline.Signal{pipeline.SignalTraces, pipeline.SignalMetrics} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			database := testkit.ClickHouse(t)
			migrateSchema(t, database.URL)
			conn := open(t, database.URL)
			table, push := "spans", func(s *storeOf, ctx context.Context) error {
				td := spans(tenantA, 6)
				for i, span := range td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
					span.SetStartTimestamp(pcommon.NewTimestampFromTime(time.Now().AddDate(0, 0, -i%2)))
				}
				return s.pushTraces(ctx, td)
			}
			if signal == pipeline.SignalMetrics {
				table, push = "metric_samples", func(s *storeOf, ctx context.Context) error {
					md := points(tenantA, 6)
					for i, point := range md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum().DataPoints().All() {
						point.SetTimestamp(pcommon.NewTimestampFromTime(time.Now().AddDate(0, 0, -i%2)))
					}
					return s.pushMetrics(ctx, md)
				}
			}
			require.NoError(t, conn.Exec(t.Context(), "ALTER TABLE "+table+" MODIFY SETTING non_replicated_deduplication_window = 2"))
			ctx, _ := caller(t)
			count := func() int { return count(t, conn, "SELECT count() FROM "+table) }
			few := func(l *logged) { l.safeParts = 2 }

			proxy := newProxy(t, database.URL)
			proxy.dropAnswers.Store(1 << 20)
			folder := logFolder(t.TempDir())
			stopped := startLogged(t, folder, loggedConfig(proxy.url), signal)
			stopped.countParts(t.Context()) // so that the seal knows
			require.NoError(t, push(stopped, ctx))
			await := func(want int) {
				t.Helper()
				require.Eventually(t, func() bool { return count() == want }, patience, often, "want %d", want)
			}
			if signal == pipeline.SignalMetrics { // the labels go first, and their answer is lost
				require.Eventually(t, func() bool { return proxy.inserts.Load() > 1 }, patience, often)
				proxy.dropAnswers.Store(0)
				await(6)
				require.Eventually(t, func() bool { return stopped.account(t).Stored == 6 }, patience, often)
				proxy.dropAnswers.Store(1 << 20)
				require.NoError(t, push(stopped, ctx)) // of a series that is known
				await(12)
			} else {
				await(6)
			}
			stopped.stop()
			before := count()

			other := startLogged(t, logFolder(t.TempDir()), loggedConfig(database.URL), signal)
			for i := range 4 {
				require.NoError(t, push(other, ctx))
				await(before + 6*(i+1))
			}
			yesterday := "toDate(timestamp) < today()"
			require.NoError(t, conn.Exec(t.Context(), "DELETE FROM "+table+" WHERE "+yesterday)) // as if it had not been stored
			before = count()
			again := startLogged(t, folder, loggedConfig(database.URL), signal, few)
			require.Eventually(t, func() bool { return again.account(t).Queued == 0 }, patience, often)
			require.Equal(t, before+3, count())
		})
	}
}

// bad is traces of which one span in ten violates the constraint of the test.
func bad(n int) (td ptrace.Traces, refused int) {
	td = spans(tenantA, n)
	for i, span := range td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
		if i%10 == 3 {
			span.SetName("poison")
			refused++
		}
	}
	return td, refused
}

// Rows that ClickHouse will never take go to the dead letters, the others are stored,
// and a replay stores each of the former once.
func TestLogged_Poison(t *testing.T) {
	t.Parallel()
	database := testkit.ClickHouse(t)
	migrateSchema(t, database.URL)
	conn := open(t, database.URL)
	require.NoError(t, conn.Exec(t.Context(), "ALTER TABLE spans ADD CONSTRAINT named CHECK span_name != 'poison'"))
	folder := logFolder(t.TempDir())
	s := startLogged(t, folder, loggedConfig(database.URL), pipeline.SignalTraces)
	ctx, key := caller(t)
	td, refused := bad(2500)
	require.NoError(t, s.pushTraces(ctx, td))
	require.NoError(t, s.pushTraces(ctx, spans(tenantA, 50)))
	require.Eventually(t, func() bool { return s.account(t).Queued == 0 }, patience, often)
	a := s.account(t)
	require.EqualValues(t, refused, a.Dead)
	require.EqualValues(t, 2550-refused, a.Stored)
	require.Equal(t, 2550-refused, count(t, conn, "SELECT count() FROM spans_v3"))
	require.Equal(t, 2550-refused, count(t, conn, "SELECT toUInt64(sum(span_count)) FROM traces_v3"))
	require.Equal(t, 0, count(t, conn, "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name LIKE 'spans_probe%'"))

	ids, err := s.letters.List()
	require.NoError(t, err)
	require.Len(t, ids, 1)
	letter, err := s.letters.Read(ids[0])
	require.NoError(t, err)
	require.Equal(t, refused, letter.Rows)
	require.Contains(t, letter.Cause, "VIOLATED_CONSTRAINT")
	require.Equal(t, []deadletter.Items{{Key: apikey.ID(key).String(), Workspace: workspaceID, Tenant: tenantA, Count: refused}}, letter.Items)
	names := 0
	require.NoError(t, letter.Show(func(row map[string]any) error {
		if row["span_name"] == "poison" {
			names++
		}
		return nil
	}))
	require.Equal(t, refused, names)

	require.Error(t, letter.Replay(t.Context(), conn), "the cause is still there")
	require.NoError(t, conn.Exec(t.Context(), "ALTER TABLE spans DROP CONSTRAINT named"))
	for range 3 {
		require.NoError(t, letter.Replay(t.Context(), conn))
	}
	require.NoError(t, s.letters.MarkReplayed(letter.ID))
	require.Equal(t, 2550, count(t, conn, "SELECT count() FROM spans_v3"))
	require.Equal(t, 2550, count(t, conn, "SELECT toUInt64(sum(span_count)) FROM traces_v3"))
	require.Eventually(t, func() bool { return s.account(t).Stored == 2550 }, patience, often)
	require.Zero(t, s.account(t).Dead)
	require.Eventually(t, func() bool { ids, err := s.letters.Replayed(); return err == nil && len(ids) == 0 }, patience, often)
}

// When the table refuses every row, all are dead, and the log goes on.
func TestLogged_AllPoison(t *testing.T) {
	t.Parallel()
	database := testkit.ClickHouse(t)
	migrateSchema(t, database.URL)
	conn := open(t, database.URL)
	require.NoError(t, conn.Exec(t.Context(), "ALTER TABLE spans ADD CONSTRAINT named CHECK service_name != 'shop'"))
	config := loggedConfig(database.URL)
	config.DeadLetters.MaxAge = 2 * time.Second
	s := startLogged(t, logFolder(t.TempDir()), config, pipeline.SignalTraces)
	ctx, _ := caller(t)
	require.NoError(t, s.pushTraces(ctx, spans(tenantA, 70)))
	require.Eventually(t, func() bool { return s.account(t).Dead == 70 }, patience, often)
	require.Eventually(t, func() bool { ids, err := s.letters.List(); return err == nil && len(ids) == 0 }, patience, often, "letters expire")
}

// Attempts that are limited end in the dead letters, labels of series included.
func TestLogged_MaxAttempts(t *testing.T) {
	t.Parallel()
	server := testkit.NewClickHouseServer(t)
	database := server.Database(t)
	migrateSchema(t, database.URL)
	server.Kill()
	config := loggedConfig(database.URL)
	config.Retry.MaxAttempts = 3
	s := startLogged(t, logFolder(t.TempDir()), config, pipeline.SignalMetrics)
	ctx, _ := caller(t)
	require.NoError(t, s.pushMetrics(ctx, points(tenantA, 4)))
	require.Eventually(t, func() bool { return s.account(t).Dead == 4 }, patience, often)
	ids, err := s.letters.List()
	require.NoError(t, err)
	require.Len(t, ids, 2, "of samples and of series")
	server.Start(t)
	conn := open(t, database.URL)
	for _, id := range ids {
		letter, err := s.letters.Read(id)
		require.NoError(t, err)
		require.NoError(t, letter.Replay(t.Context(), conn))
		require.NoError(t, s.letters.MarkReplayed(id))
	}
	require.Equal(t, 4, count(t, conn, "SELECT count() FROM metrics_v3 WHERE kind = 'sum'"))
	require.Eventually(t, func() bool { return s.account(t).Stored == 4 }, patience, often)
}

// A missing table is nobody's data's fault: the rows wait.
func TestLogged_Mismatch(t *testing.T) {
	t.Parallel()
	database := testkit.ClickHouse(t)
	s := startLogged(t, logFolder(t.TempDir()), loggedConfig(database.URL), pipeline.SignalLogs)
	ctx, _ := caller(t)
	require.NoError(t, s.pushLogs(ctx, records(tenantA, 4)))
	migrateSchema(t, database.URL)
	awaitCount(t, database.URL, "SELECT count() FROM logs_v3", 4)
	require.Eventually(t, func() bool { return s.account(t).Stored == 4 }, patience, often)
}

func TestLogged_Hints(t *testing.T) {
	t.Parallel()
	database := testkit.ClickHouse(t)
	migrateSchema(t, database.URL)
	server := testkit.Redis(t)
	options, err := redis.ParseURL(server.URL)
	require.NoError(t, err)
	listener := redis.NewClient(options)
	defer func() { _ = listener.Close() }()
	subscription := listener.Subscribe(t.Context(), "traces:new", "logs:new", "metrics:new")
	_, err = subscription.Receive(t.Context())
	require.NoError(t, err)

	config := loggedConfig(database.URL)
	config.Hints.RedisURL = configopaque.String(server.URL)
	s := startLogged(t, logFolder(t.TempDir()), config, pipeline.SignalTraces)
	ctx, _ := caller(t)
	td := spans(tenantA, 3)
	last := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(2)
	last.SetStartTimestamp(last.StartTimestamp() + pcommon.Timestamp(time.Minute))
	spans(tenantB, 2).ResourceSpans().MoveAndAppendTo(td.ResourceSpans())
	td.ResourceSpans().At(1).Resource().Attributes().PutStr("service.name", "cart")
	require.NoError(t, s.pushTraces(ctx, td))
	got := make(map[string]hint)
	for range 2 {
		message, err := subscription.ReceiveMessage(t.Context())
		require.NoError(t, err)
		require.Equal(t, "traces:new", message.Channel)
		var h hint
		require.NoError(t, json.Unmarshal([]byte(message.Payload), &h))
		got[h.Tenant.String()] = h
	}
	a, b := got[tenantA], got[tenantB]
	require.Equal(t, 3, a.Count)
	require.Equal(t, []string{"shop"}, a.Services)
	require.Greater(t, a.MaxTime.Sub(a.MinTime), 59*time.Second)
	require.EqualValues(t, 2, a.MaxID-a.MinID)
	require.Equal(t, workspaceID, b.Workspace.String())
	require.Equal(t, 2, b.Count)
	require.Equal(t, []string{"cart"}, b.Services)
	require.EqualValues(t, 1, b.MaxID-b.MinID)

	server.Stop()
	require.NoError(t, s.pushTraces(ctx, spans(tenantA, 7)))
	awaitCount(t, database.URL, "SELECT count() FROM spans_v3", 12)
}

// A tenant that fills the log with ClickHouse down is refused beyond its share, with
// a code that clients repeat; others are not.
func TestLogged_Fairness(t *testing.T) {
	t.Parallel()
	s := startLogged(t, logFolder(t.TempDir()), loggedConfig("http://127.0.0.1:1/none"), pipeline.SignalMetrics)
	ctx, _ := caller(t)
	big := func() pmetric.Metrics {
		md := points(tenantA, 1)
		md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).SetDescription(string(make([]byte, 1<<20)))
		for i := range 8 {
			md.ResourceMetrics().At(0).Resource().Attributes().PutStr(fmt.Sprint("a", i), string(make([]byte, 100_000)))
		}
		return md
	}
	require.NoError(t, s.pushMetrics(ctx, points(tenantB, 1)))
	var err error
	for i := 0; err == nil; i++ {
		md := big()
		md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).SetName(fmt.Sprint("m", i)) // another series
		err = s.pushMetrics(ctx, md)
	}
	require.Equal(t, codes.ResourceExhausted, status.Code(err))
	require.Len(t, status.Convert(err).Details(), 1, "RetryInfo")
	require.ErrorContains(t, err, "too much of the tenant's data")
	require.Less(t, s.log.Size(), s.log.MaxSize()*3/4)
	for range 20 {
		require.NoError(t, s.pushMetrics(ctx, points(tenantB, 10)))
	}
}

func TestLogged_Start(t *testing.T) {
	t.Parallel()
	config := loggedConfig("http://127.0.0.1:1/none")
	t.Run("ErrStorage", func(t *testing.T) {
		t.Parallel()
		config := *config
		other := component.MustNewID("file_storage")
		config.SendingQueue.Storage = &other
		s, err := newStore(exportertest.NewNopSettings(metadata.Type), &config, pipeline.SignalTraces)
		require.NoError(t, err)
		require.ErrorContains(t, s.start(t.Context(), logFolder(t.TempDir())), "file_storage is not a write_ahead_log extension")
		require.NoError(t, s.shutdown(t.Context()))
	})
	t.Run("ErrInUse", func(t *testing.T) {
		t.Parallel()
		folder := logFolder(t.TempDir())
		startLogged(t, folder, config, pipeline.SignalTraces)
		s, err := newStore(fixedSettings(), config, pipeline.SignalTraces)
		require.NoError(t, err)
		require.ErrorIs(t, s.start(t.Context(), folder), wal.ErrInUse)
		require.NoError(t, s.shutdown(t.Context()))
	})
	t.Run("OK two exporters", func(t *testing.T) {
		t.Parallel()
		folder := logFolder(t.TempDir())
		for _, name := range []string{"a", "b"} {
			set := exportertest.NewNopSettings(metadata.Type)
			set.ID = component.MustNewIDWithName("tenant_clickhouse", name)
			traces, err := NewFactory().CreateTraces(t.Context(), set, config)
			require.NoError(t, err)
			require.NoError(t, traces.Start(t.Context(), folder))
			t.Cleanup(func() { require.NoError(t, traces.Shutdown(context.Background())) })
		}
	})
}

// A copy of the log's folder is put back in its place: what the log had at the time of
// the copy is neither lost nor doubled, although the original has gone on with its batch.
func TestLogged_RestoredFolder(t *testing.T) {
	t.Parallel()
	for _, signal := range []pipeline.Signal{pipeline.SignalTraces, pipeline.SignalMetrics} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			server := testkit.NewClickHouseServer(t)
			database := server.Database(t)
			migrateSchema(t, database.URL)
			server.Kill()
			relation, push := "spans_v3", func(s *storeOf, ctx context.Context) error { return s.pushTraces(ctx, spans(tenantA, 4)) }
			if signal == pipeline.SignalMetrics {
				relation, push = "metrics_v3", func(s *storeOf, ctx context.Context) error { return s.pushMetrics(ctx, points(tenantA, 4)) }
			}
			ctx, _ := caller(t)
			original, copied := logFolder(t.TempDir()), logFolder(filepath.Join(t.TempDir(), "copy"))
			s := startLogged(t, original, loggedConfig(database.URL), signal)
			for range 3 {
				require.NoError(t, push(s, ctx))
			}
			require.NoError(t, os.CopyFS(string(copied), os.DirFS(string(original))))
			require.NoError(t, push(s, ctx))
			server.Start(t)
			awaitCount(t, database.URL, "SELECT count() FROM "+relation, 16)
			require.Eventually(t, func() bool { return s.account(t).Queued == 0 }, patience, often)
			s.stop()

			s = startLogged(t, copied, loggedConfig(database.URL), signal)
			require.NoError(t, push(s, ctx))
			awaitCount(t, database.URL, "SELECT count() FROM "+relation, 20)
			require.Eventually(t, func() bool { return s.account(t).Queued == 0 }, patience, often)
			require.Equal(t, 20, count(t, open(t, database.URL), "SELECT count() FROM "+relation))
		})
	}
}
