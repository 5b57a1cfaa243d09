package writeaheadlogextension

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/pipeline"
	"go.uber.org/goleak"

	"github.com/telemetryflow/telemetryflow/extension/writeaheadlogextension/internal/metadata"
	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/job"
	"github.com/telemetryflow/telemetryflow/internal/receipt"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience, often = time.Minute, 20 * time.Millisecond

// collector is the extension of one collector.
func collector(t *testing.T, change func(*Config)) *logExtension {
	t.Helper()
	config := createDefaultConfig().(*Config)
	config.Directory = t.TempDir()
	config.Postgres.Timeout = 10 * time.Second
	config.Redis.Timeout = 10 * time.Second
	change(config)
	require.NoError(t, config.Validate())
	e, err := NewFactory().Create(t.Context(), extensiontest.NewNopSettings(metadata.Type), config)
	require.NoError(t, err)
	require.NoError(t, e.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() { require.NoError(t, e.Shutdown(context.Background())) })
	return e.(*logExtension)
}

// testLog is a log of which the test says what it holds.
type testLog struct {
	writer job.Writer
	secret job.Secret

	mu       sync.Mutex
	oldest   uint64
	finished []job.Finished
	changes  uint64
}

func (l *testLog) Secret() job.Secret               { return l.secret }
func (l *testLog) Writer() job.Writer               { return l.writer }
func (l *testLog) Accounts(apikey.ID) []job.Account { return []job.Account{{Accepted: 1}} }
func (l *testLog) finish(f job.Finished, next uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f.Writer = l.writer
	l.finished = slices.DeleteFunc(l.finished, func(old job.Finished) bool { return old.Batch == f.Batch })
	l.finished = append(l.finished, f)
	l.oldest = next
	l.changes++
}

func (l *testLog) Find(p job.Place) (job.Outcome, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.finished {
		if f.Batch == p.Batch && p.Writer == l.writer {
			return job.Outcome{Finished: true, Dead: f.Dead[p.Request]}, true
		}
	}
	return job.Outcome{}, p.Batch >= l.oldest && p.Writer == l.writer
}

func (l *testLog) Progress(since uint64) job.Progress {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := job.Progress{Oldest: map[job.Writer]uint64{l.writer: l.oldest}, Next: l.changes}
	if since < l.changes {
		p.Finished = slices.Clone(l.finished)
	}
	return p
}

// claim is for a request in a batch of the log.
func (l *testLog) claim(t *testing.T, batch, request uint64) *job.Claim {
	t.Helper()
	j := job.Job{Place: job.Place{Writer: l.writer, Batch: batch, Request: request}, Signal: pipeline.SignalLogs, Accepted: 5}
	c, err := job.Parse(j.ID(l.secret))
	require.NoError(t, err)
	return c
}

func awaitOutcome(t *testing.T, e *logExtension, c *job.Claim, want job.Outcome) {
	t.Helper()
	require.Eventually(t, func() bool {
		got, err := e.Find(t.Context(), c)
		return err == nil && got == want
	}, patience, often)
}

// What one collector has, another can tell, also after the first has gone.
func TestDirectory_OtherCollector(t *testing.T) {
	t.Parallel()
	database := testkit.Postgres(t)
	in := func(c *Config) { c.Postgres.URL = configopaque.String(database.IngestURL) }
	log := &testLog{writer: job.Writer{1}, secret: job.Secret{2}, oldest: 10}
	one, two := collector(t, in), collector(t, in)
	leave := one.Register(log)
	require.Equal(t, []job.Account{{Accepted: 1}}, one.Accounts(apikey.ID{}))
	require.Empty(t, two.Accounts(apikey.ID{}))

	later := time.Now().Add(time.Hour)
	awaitOutcome(t, two, log.claim(t, 10, 3), job.Outcome{})
	log.finish(job.Finished{Batch: 10, Expires: later, Dead: map[uint64]int{3: 2}}, 11)
	awaitOutcome(t, one, log.claim(t, 10, 3), job.Outcome{Finished: true, Dead: 2})
	awaitOutcome(t, two, log.claim(t, 10, 3), job.Outcome{Finished: true, Dead: 2})
	awaitOutcome(t, two, log.claim(t, 10, 4), job.Outcome{Finished: true})

	// Its dead items were replayed.
	log.finish(job.Finished{Batch: 10, Expires: later}, 11)
	awaitOutcome(t, two, log.claim(t, 10, 3), job.Outcome{Finished: true})

	// The last batch is finished while the collector ends.
	log.finish(job.Finished{Batch: 11, Expires: later}, job.NothingWaits)
	leave()
	require.Empty(t, one.Accounts(apikey.ID{}))
	require.NoError(t, one.Shutdown(t.Context()))
	got, err := two.Find(t.Context(), log.claim(t, 11, 0))
	require.NoError(t, err)
	require.Equal(t, job.Outcome{Finished: true}, got)

	t.Run("ErrUnknown", func(t *testing.T) {
		forged := &testLog{writer: log.writer, secret: job.Secret{3}}
		stranger := &testLog{writer: job.Writer{4}, secret: log.secret}
		for name, c := range map[string]*job.Claim{
			"too old": log.claim(t, 9, 0), "forged": forged.claim(t, 11, 0), "of nobody": stranger.claim(t, 11, 0),
		} {
			_, err := two.Find(t.Context(), c)
			require.ErrorIs(t, err, job.ErrUnknown, name)
		}
	})
	t.Run("ErrUnknown expired", func(t *testing.T) {
		brief := &testLog{writer: job.Writer{5}, secret: job.Secret{2}, oldest: 1}
		brief.finish(job.Finished{Batch: 1, Expires: time.Now().Add(-time.Second)}, 2)
		remove := two.Register(brief)
		third := collector(t, in)
		require.Eventually(t, func() bool { // batch 2 waits, so it was published
			_, err := third.Find(t.Context(), brief.claim(t, 2, 0))
			return err == nil
		}, patience, often)
		_, err := third.Find(t.Context(), brief.claim(t, 1, 0))
		require.ErrorIs(t, err, job.ErrUnknown)
		remove()
	})
}

// A collector whose log is a copy of another's does not answer for the other.
func TestDirectory_CopiedLog(t *testing.T) {
	t.Parallel()
	database := testkit.Postgres(t)
	in := func(c *Config) { c.Postgres.URL = configopaque.String(database.IngestURL) }
	original := &testLog{writer: job.Writer{1}, secret: job.Secret{2}, oldest: 10}
	copied := &testLog{writer: job.Writer{7}, secret: job.Secret{2}, oldest: 1}
	one, two := collector(t, in), collector(t, in)
	defer one.Register(original)()
	defer two.Register(copied)()
	awaitOutcome(t, two, original.claim(t, 12, 0), job.Outcome{})
}

// Without PostgreSQL a collector answers for its own logs, and says of others that
// it cannot know; it starts and ends as ever.
func TestDirectory_PostgresDown(t *testing.T) {
	t.Parallel()
	e := collector(t, func(c *Config) {
		c.Postgres.URL, c.Postgres.Timeout = "postgres://telemetryflow_ingest@127.0.0.1:1/none", time.Second
	})
	log := &testLog{writer: job.Writer{1}, secret: job.Secret{2}, oldest: 10}
	defer e.Register(log)()
	got, err := e.Find(t.Context(), log.claim(t, 10, 0))
	require.NoError(t, err)
	require.Equal(t, job.Outcome{}, got)
	_, err = e.Find(t.Context(), log.claim(t, 9, 0))
	require.ErrorIs(t, err, job.ErrUnknown)
	other := &testLog{writer: job.Writer{3}, secret: job.Secret{4}}
	_, err = e.Find(t.Context(), other.claim(t, 1, 0))
	require.ErrorIs(t, err, job.ErrUnavailable)
}

func TestDirectory_Repeats(t *testing.T) {
	t.Parallel()
	server := testkit.Redis(t)
	in := func(c *Config) { c.Redis.URL = configopaque.String(server.URL) }
	one, two := collector(t, in), collector(t, in)
	r := job.Repeat{Exporter: "tenant_clickhouse/logs", Identity: receipt.Identity{1}, Window: time.Minute}
	answer := receipt.Answer{ID: "x", Rejected: 2, Message: "too old"}
	_, found, err := two.Recall(t.Context(), r)
	require.NoError(t, err)
	require.False(t, found)
	one.Remember(r, answer)
	require.Eventually(t, func() bool {
		got, found, err := two.Recall(t.Context(), r)
		return err == nil && found && got == answer
	}, patience, often)
	other := r
	other.Exporter = "tenant_clickhouse/eu/logs"
	_, found, err = two.Recall(t.Context(), other)
	require.NoError(t, err)
	require.False(t, found)

	brief := job.Repeat{Exporter: "x", Identity: receipt.Identity{2}, Window: 50 * time.Millisecond}
	one.Remember(brief, answer)
	require.Eventually(t, func() bool { _, found, _ := two.Recall(t.Context(), brief); return !found }, patience, often)

	server.Stop()
	_, found, err = two.Recall(t.Context(), r)
	require.Error(t, err)
	require.False(t, found)
	begin := time.Now()
	for range 100 {
		_, _, err = two.Recall(t.Context(), r)
		require.Error(t, err)
	}
	require.Less(t, time.Since(begin), 10*time.Second, "Redis is left alone")
	for i := range 2 * backlog {
		one.Remember(job.Repeat{Exporter: "x", Identity: receipt.Identity{byte(i)}, Window: time.Minute}, answer)
	}
}
