package tenantclickhouseexporter

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pipeline"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/job"
	"github.com/telemetryflow/telemetryflow/internal/receipt"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
)

// sent is a request as the receiver opens it: of so many items, with an identity.
func sent(ctx context.Context, items int, identity byte) (context.Context, *receipt.Receipt) {
	r := receipt.Open(pipeline.SignalTraces, receipt.Request{Items: items, Identity: receipt.Identity{identity}})
	return receipt.NewContext(ctx, r), r
}

// claimOf reads the id that a client was given.
func claimOf(t *testing.T, s *storeOf, r *receipt.Receipt) *job.Claim {
	t.Helper()
	claim, err := job.Parse(r.Answer().ID)
	require.NoError(t, err)
	require.True(t, claim.ProvenBy(job.Secret(s.spool.Secret())))
	return claim
}

// An id tells what became of a request: it waits, is stored, has dead items, and has
// them stored after all; through a restart as well.
func TestJobs_Fate(t *testing.T) {
	t.Parallel()
	database := testkit.ClickHouse(t)
	migrateSchema(t, database.URL)
	conn := open(t, database.URL)
	require.NoError(t, conn.Exec(t.Context(), "ALTER TABLE spans ADD CONSTRAINT named CHECK span_name != 'poison'"))
	proxy := newProxy(t, database.URL)
	proxy.hold()
	folder := logFolder(t.TempDir())
	s := startLogged(t, folder, loggedConfig(proxy.url), pipeline.SignalTraces)
	caller, key := caller(t)
	td, refused := bad(100)
	ctx, mixed := sent(caller, 102, 0)
	mixed.Reject(pipeline.SignalTraces, 2, "too old")
	require.NoError(t, s.pushTraces(ctx, td))
	ctx, good := sent(caller, 5, 0)
	require.NoError(t, s.pushTraces(ctx, spans(tenantA, 5)))

	claim := claimOf(t, s, mixed)
	require.Equal(t, apikey.ID(key), claim.Key)
	require.Equal(t, []int{100, 2}, []int{claim.Accepted, claim.Rejected})
	require.WithinDuration(t, time.Now(), claim.At, patience)
	find := func(of *job.Claim) (job.Outcome, bool) { return (&jobLog{s.logged}).Find(of.Place) }
	outcome, known := find(claim)
	require.True(t, known)
	require.Equal(t, job.Outcome{}, outcome)
	proxy.release()
	await := func(of *job.Claim, want job.Outcome) {
		t.Helper()
		require.Eventually(t, func() bool { got, known := find(of); return known && got == want }, patience, often)
	}
	await(claim, job.Outcome{Finished: true, Dead: refused})
	await(claimOf(t, s, good), job.Outcome{Finished: true})

	s.stop()
	s = startLogged(t, folder, loggedConfig(proxy.url), pipeline.SignalTraces)
	await(claim, job.Outcome{Finished: true, Dead: refused})
	require.NoError(t, conn.Exec(t.Context(), "ALTER TABLE spans DROP CONSTRAINT named"))
	ids, err := s.letters.List()
	require.NoError(t, err)
	for _, id := range ids {
		letter, err := s.letters.Read(id)
		require.NoError(t, err)
		require.NoError(t, letter.Replay(t.Context(), conn))
		require.NoError(t, s.letters.MarkReplayed(id))
	}
	await(claim, job.Outcome{Finished: true})
}

// A repetition gets the answer of its first, and is not stored again: at once, after a
// restart, and with other rejections than the first had.
func TestJobs_Repeats(t *testing.T) {
	t.Parallel()
	database := testkit.ClickHouse(t)
	migrateSchema(t, database.URL)
	folder, config := logFolder(t.TempDir()), loggedConfig(database.URL)
	s := startLogged(t, folder, config, pipeline.SignalTraces)
	caller, _ := caller(t)
	send := func(identity byte, rejected int) receipt.Answer {
		t.Helper()
		ctx, r := sent(caller, 5+rejected, identity)
		if rejected > 0 {
			r.Reject(pipeline.SignalTraces, rejected, "too old")
		}
		require.NoError(t, s.pushTraces(ctx, spans(tenantA, 5)))
		require.Equal(t, 5, r.Counts().Durable)
		return r.Answer()
	}
	first := send(1, 2)
	require.Equal(t, 2, first.Rejected)
	require.Equal(t, "too old", first.Message)
	require.Equal(t, first, send(1, 2))
	require.NotEqual(t, first, send(2, 2))
	s.stop()
	s = startLogged(t, folder, config, pipeline.SignalTraces)
	require.Equal(t, first, send(1, 2))
	require.Equal(t, first, send(1, 0), "what was answered is answered again")
	send(0, 0)
	send(0, 0)
	awaitCount(t, database.URL, "SELECT count() FROM spans_v3", 20)
	require.EqualValues(t, 20, s.account(t).Accepted)

	// Of a part of a request nobody knows whether it repeats another part.
	for range 2 {
		ctx, r := sent(caller, 9, 3)
		require.NoError(t, s.pushTraces(ctx, spans(tenantA, 5)))
		require.NoError(t, s.pushTraces(ctx, spans(tenantA, 4)))
		require.Equal(t, 9, r.Counts().Durable)
	}
	awaitCount(t, database.URL, "SELECT count() FROM spans_v3", 38)
}

// Repetitions in flight, and of a client that has left: one is stored.
func TestJobs_RepeatsInFlight(t *testing.T) {
	t.Parallel()
	database := testkit.ClickHouse(t)
	migrateSchema(t, database.URL)
	s := startLogged(t, logFolder(t.TempDir()), loggedConfig(database.URL), pipeline.SignalTraces)
	caller, _ := caller(t)
	answers := make([]receipt.Answer, 20)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() {
			for left := false; ; {
				ctx, leave := context.WithCancel(caller)
				if i%2 == 0 && !left {
					left = true
					leave() // before, while, or after it is written
				}
				ctx, r := sent(ctx, 5, 1)
				err := s.pushTraces(ctx, spans(tenantA, 5))
				leave()
				if err == nil {
					answers[i] = r.Answer()
					return
				}
			}
		})
	}
	all.Wait()
	for _, a := range answers {
		require.Equal(t, answers[0], a)
	}
	require.Eventually(t, func() bool { return s.account(t).Queued == 0 }, patience, often)
	require.EqualValues(t, 5, s.account(t).Stored)
	require.Equal(t, 5, count(t, open(t, database.URL), "SELECT count() FROM spans_v3"))
}

// The ledger's equation holds whenever it is read, under load and through a restart,
// and its sums are the clients'.
func TestJobs_Ledger(t *testing.T) {
	t.Parallel()
	database := testkit.ClickHouse(t)
	migrateSchema(t, database.URL)
	require.NoError(t, open(t, database.URL).Exec(t.Context(), "ALTER TABLE spans ADD CONSTRAINT named CHECK span_name != 'poison'"))
	folder, config := logFolder(t.TempDir()), loggedConfig(database.URL)
	caller, key := caller(t)
	var accepted, dead, filtered int
	for range 2 {
		s := startLogged(t, folder, config, pipeline.SignalTraces)
		log := &jobLog{s.logged}
		reading, stop := context.WithCancel(t.Context())
		var reader, clients sync.WaitGroup
		reader.Go(func() {
			often := time.NewTicker(time.Millisecond)
			defer often.Stop()
			for reading.Err() == nil {
				<-often.C
				for _, a := range log.Accounts(apikey.ID(key)) {
					if a.Accepted != a.Stored+a.Queued+a.Dead+a.Filtered {
						t.Errorf("%+v does not add up", a)
					}
				}
			}
		})
		for range 4 {
			for range 25 {
				td, refused := bad(20)
				accepted, dead, filtered = accepted+23, dead+refused, filtered+3
				clients.Go(func() {
					ctx, r := sent(caller, 23, 0) // a filter processor removed three
					if err := s.pushTraces(ctx, td); err != nil {
						t.Error(err)
					}
					if r.Counts() != (receipt.Counts{Durable: 20, Filtered: 3}) {
						t.Errorf("%+v", r.Counts())
					}
				})
			}
			clients.Wait()
		}
		require.Eventually(t, func() bool { return s.account(t).Queued == 0 }, patience, often)
		stop()
		reader.Wait()
		accounts := log.Accounts(apikey.ID(key))
		require.Len(t, accounts, 1)
		a := accounts[0]
		require.EqualValues(t, accepted, a.Accepted)
		require.EqualValues(t, dead, a.Dead)
		require.EqualValues(t, filtered, a.Filtered)
		require.EqualValues(t, accepted-dead-filtered, a.Stored)
		require.True(t, a.Oldest.IsZero())
		require.Empty(t, log.Accounts(apikey.ID{9}))
		s.stop()
	}
	require.Equal(t, accepted-dead-filtered, count(t, open(t, database.URL), "SELECT count() FROM spans_v3"))
}

// What was refused is counted by account and reason, also where nothing was accepted.
func TestJobs_Refused(t *testing.T) {
	t.Parallel()
	s := startLogged(t, logFolder(t.TempDir()), loggedConfig("http://127.0.0.1:1/none"), pipeline.SignalTraces)
	caller, key := caller(t)
	ctx, leave := context.WithCancel(caller)
	leave()
	td := spans(tenantA, 3)
	spans(tenantB, 2).ResourceSpans().MoveAndAppendTo(td.ResourceSpans())
	require.Error(t, s.pushTraces(ctx, td))
	require.NoError(t, s.pushTraces(caller, spans(tenantB, 1)))
	got := make(map[string]job.Account)
	for _, a := range (&jobLog{s.logged}).Accounts(apikey.ID(key)) {
		got[a.Owner.Tenant.String()] = a
	}
	require.Len(t, got, 2)
	require.Equal(t, map[string]uint64{"left": 3}, got[tenantA].Refused)
	require.Equal(t, map[string]uint64{"left": 2}, got[tenantB].Refused)
	require.EqualValues(t, 1, got[tenantB].Queued)
	require.NoError(t, s.pushTraces(caller, ptrace.NewTraces()))
}
