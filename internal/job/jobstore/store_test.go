package jobstore_test

import (
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pipeline"

	"github.com/telemetryflow/telemetryflow/internal/job"
	"github.com/telemetryflow/telemetryflow/internal/job/jobstore"
	"github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
)

const timeout = time.Minute

func open(t *testing.T, url string, role postgres.Role) *jobstore.Store {
	t.Helper()
	pool, err := postgres.Open(url, role)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return jobstore.New(pool, timeout)
}

var secret = job.Secret{1}

func claim(t *testing.T, writer job.Writer, batch, request uint64) *job.Claim {
	t.Helper()
	j := job.Job{Place: job.Place{Writer: writer, Batch: batch, Request: request}, Signal: pipeline.SignalLogs}
	c, err := job.Parse(j.ID(secret))
	require.NoError(t, err)
	return c
}

// Both the collector and the query server read what collectors have published, until it
// expires; then the rows go.
func TestStore_Lifetimes(t *testing.T) {
	t.Parallel()
	database := testkit.Postgres(t)
	store, reader := open(t, database.IngestURL, postgres.Ingest), open(t, database.AppURL, postgres.App)
	w, later := job.Writer{9}, time.Now().Add(time.Hour)
	require.NoError(t, store.Publish(t.Context(), secret, &job.Progress{
		Oldest: map[job.Writer]uint64{w: 4, {8}: job.NothingWaits},
		Finished: []job.Finished{
			{Writer: w, Batch: 1, Expires: time.Now().Add(-time.Second), Dead: map[uint64]int{0: 1}},
			{Writer: w, Batch: 2, Expires: later, Dead: map[uint64]int{0: 1, 7: 3}},
			{Writer: w, Batch: 3, Expires: later},
		},
	}))
	for range 2 {
		for _, s := range []*jobstore.Store{store, reader} {
			got, err := s.Find(t.Context(), claim(t, w, 2, 7))
			require.NoError(t, err)
			require.Equal(t, job.Outcome{Finished: true, Dead: 3}, got)
			got, err = s.Find(t.Context(), claim(t, w, 3, 7))
			require.NoError(t, err)
			require.Equal(t, job.Outcome{Finished: true}, got)
			got, err = s.Find(t.Context(), claim(t, w, 4, 0))
			require.NoError(t, err)
			require.Equal(t, job.Outcome{}, got)
			for _, unknown := range []*job.Claim{claim(t, w, 1, 0), claim(t, w, 0, 0), claim(t, job.Writer{8}, 5, 0), claim(t, job.Writer{7}, 1, 0)} {
				_, err = s.Find(t.Context(), unknown)
				require.ErrorIs(t, err, job.ErrUnknown)
			}
		}
		require.NoError(t, store.Expire(t.Context()))
	}
	require.Error(t, reader.Publish(t.Context(), secret, &job.Progress{}), "the query server only reads")

	admin, err := pgx.Connect(t.Context(), database.AdminURL)
	require.NoError(t, err)
	defer func() { _ = admin.Close(t.Context()) }()
	var batches, dead int
	require.NoError(t, admin.QueryRow(t.Context(), "SELECT (SELECT count(*) FROM log_batches), (SELECT count(*) FROM log_dead_requests)").Scan(&batches, &dead))
	require.Equal(t, []int{2, 2}, []int{batches, dead})
}

// Two collectors may publish the past of one log at once, and repeat themselves.
func TestStore_Concurrent(t *testing.T) {
	t.Parallel()
	database := testkit.Postgres(t)
	store := open(t, database.IngestURL, postgres.Ingest)
	p := job.Progress{Oldest: make(map[job.Writer]uint64)}
	for i := range 500 {
		w := job.Writer{byte(i % 7)}
		p.Oldest[w] = job.NothingWaits
		p.Finished = append(p.Finished, job.Finished{Writer: w, Batch: uint64(i), Expires: time.Now().Add(time.Hour), Dead: map[uint64]int{1: i + 1}})
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 5 {
				if err := store.Publish(t.Context(), secret, &p); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	got, err := store.Find(t.Context(), claim(t, job.Writer{byte(499 % 7)}, 499, 1))
	require.NoError(t, err)
	require.Equal(t, job.Outcome{Finished: true, Dead: 500}, got)

	// A secret is of the first who names a writer: nobody takes another's over.
	require.NoError(t, store.Publish(t.Context(), job.Secret{2}, &job.Progress{Oldest: map[job.Writer]uint64{{1}: 0}}))
	_, err = store.Find(t.Context(), claim(t, job.Writer{1}, 498, 1)) // 498 % 7 is 1
	require.NoError(t, err)
}
