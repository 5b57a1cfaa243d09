package tenantotlpreceiver

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pipeline"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/job"
	"github.com/telemetryflow/telemetryflow/internal/receipt"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// testDirectory answers by the number of the batch that is asked for.
type testDirectory struct {
	component.StartFunc
	component.ShutdownFunc
	accounts map[apikey.ID][]job.Account
}

var testSecret = job.Secret{5}

func (testDirectory) Register(job.Log) func() { return func() {} }

func (testDirectory) Find(_ context.Context, c *job.Claim) (job.Outcome, error) {
	switch {
	case !c.ProvenBy(testSecret):
		return job.Outcome{}, job.ErrUnknown
	case c.Batch == 0:
		return job.Outcome{}, nil
	case c.Batch == 1:
		return job.Outcome{Finished: true, Dead: int(c.Request)}, nil
	case c.Batch == 2:
		return job.Outcome{}, job.ErrUnavailable
	default:
		return job.Outcome{}, job.ErrUnknown
	}
}

func (d testDirectory) Accounts(key apikey.ID) []job.Account { return d.accounts[key] }

func (testDirectory) Recall(context.Context, job.Repeat) (receipt.Answer, bool, error) {
	return receipt.Answer{}, false, errors.New("not of the receiver's business")
}
func (testDirectory) Remember(job.Repeat, receipt.Answer) {}

func jobID(batch, request uint64, change ...func(*job.Job)) string {
	j := job.Job{
		Place:  job.Place{Writer: job.Writer{7}, Batch: batch, Request: request},
		Signal: pipeline.SignalMetrics, Key: apikey.ID{1}, Accepted: 5, Rejected: 2, At: time.UnixMilli(1_790_000_000_123),
	}
	for _, c := range change {
		c(&j)
	}
	return j.ID(testSecret)
}

func (r *running) get(t testing.TB, path, key string) reply {
	t.Helper()
	return r.send(t, http.MethodGet, path, key, "", nil)
}

func TestJobs(t *testing.T) {
	t.Parallel()
	r := startWith(t, testConfig(), testDirectory{})
	for name, c := range map[string]struct{ id, want string }{
		"accepted": {jobID(0, 9), `"status":"accepted","accepted":5,"stored":0,"dead":0`},
		"stored":   {jobID(1, 0), `"status":"stored","accepted":5,"stored":5,"dead":0`},
		"dead":     {jobID(1, 2), `"status":"dead","accepted":5,"stored":3,"dead":2`},
	} {
		t.Run("OK "+name, func(t *testing.T) {
			got := r.get(t, "/api/v2/otlp/jobs/"+c.id, "good")
			require.Equal(t, http.StatusOK, got.code)
			require.Equal(t, `{"jobId":"`+c.id+`","signal":"metrics",`+c.want+`,"rejected":2,"acceptedAt":"2026-09-21T14:13:20.123Z"}`, string(got.body))
			require.Equal(t, "application/json", got.header.Get("Content-Type"))
			require.Equal(t, "no-store", got.header.Get("Cache-Control"))
		})
	}
	t.Run("OK without a permission to send", func(t *testing.T) {
		require.Equal(t, http.StatusOK, r.get(t, "/api/v2/otlp/jobs/"+jobID(0, 0), "no-permission").code)
	})
	const unknown = `{"code":5,"message":"no such job, or it was finished too long ago"}`
	forged, bodies := job.Job{Key: apikey.ID{1}}, make(map[string]bool)
	for name, c := range map[string]struct{ id, key string }{
		"other key": {jobID(1, 0), "other"},
		"no key":    {jobID(1, 0, func(j *job.Job) { j.Key = apikey.ID{} }), "good"},
		"forged":    {forged.ID(job.Secret{6}), "good"},
		"expired":   {jobID(3, 0), "good"},
		"no id":     {"0123456789abcdef0123456789abcdef", "good"},
		"a path":    {jobID(1, 0) + "/x", "good"},
	} {
		t.Run("ErrUnknown "+name, func(t *testing.T) {
			got := r.get(t, "/api/v2/otlp/jobs/"+c.id, c.key)
			require.Equal(t, http.StatusNotFound, got.code)
			require.JSONEq(t, unknown, string(got.body))
			bodies[string(got.body)] = true
		})
	}
	require.Len(t, bodies, 1, "one body for all")
	t.Run("ErrUnavailable", func(t *testing.T) {
		got := r.get(t, "/api/v2/otlp/jobs/"+jobID(2, 0), "good")
		require.Equal(t, http.StatusServiceUnavailable, got.code)
		require.Equal(t, "1", got.header.Get("Retry-After"))
	})
	t.Run("ErrUnknown without logs", func(t *testing.T) {
		got := start(t, testConfig()).get(t, "/api/v2/otlp/jobs/"+jobID(1, 0), "good")
		require.Equal(t, http.StatusNotFound, got.code)
		require.JSONEq(t, unknown, string(got.body))
	})
}

func TestQuestions_Refusals(t *testing.T) {
	t.Parallel()
	r := startWith(t, testConfig(), testDirectory{})
	for _, path := range []string{"/api/v2/otlp/jobs/" + jobID(1, 0), "/api/v2/otlp/ledger"} {
		for _, method := range []string{http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
			got := r.send(t, method, path, "good", "", nil)
			require.Equal(t, http.StatusMethodNotAllowed, got.code, method)
			require.Equal(t, http.MethodGet, got.header.Get("Allow"))
			if method != http.MethodHead {
				require.JSONEq(t, `{"code":12,"message":"method not allowed: use GET"}`, string(got.body))
			}
		}
		for _, key := range []string{"", "wrong", "plain-error"} {
			got, ingest := r.get(t, path, key), r.post(t, "/api/v2/otlp/logs", key, "application/json", nil)
			require.Equal(t, http.StatusUnauthorized, got.code)
			require.Equal(t, string(ingest.body), string(got.body), "as for ingest")
			require.Equal(t, ingest.header.Get("WWW-Authenticate"), got.header.Get("WWW-Authenticate"))
		}
		require.Equal(t, http.StatusTooManyRequests, r.get(t, path, "spent").code)
		require.Equal(t, http.StatusServiceUnavailable, r.get(t, path, "store-down").code)
		require.Equal(t, http.StatusInternalServerError, r.get(t, path, "auth-panic").code)
		require.Equal(t, "1000", r.get(t, path, "limited").header.Get("X-RateLimit-Limit"))
	}
	for _, path := range []string{"/api/v2/otlp/jobs/", "/api/v2/otlp/jobs", "/api/v2/otlp/ledger/", "/v1/ledger"} {
		got := r.get(t, path, "good")
		require.Equal(t, http.StatusNotFound, got.code, path)
		require.Contains(t, string(got.body), "unknown path")
	}
}

func TestLedger(t *testing.T) {
	t.Parallel()
	one, two := tenant.Scope{Workspace: tenant.ID{1}, Tenant: tenant.ID{1}}, tenant.Scope{Workspace: tenant.ID{1}, Tenant: tenant.ID{2}}
	r := startWith(t, testConfig(), testDirectory{accounts: map[apikey.ID][]job.Account{{1}: {
		{Owner: two, Signal: pipeline.SignalLogs, Accepted: 10, Stored: 4, Queued: 3, Dead: 2, Filtered: 1, Refused: map[string]uint64{"full": 5}, Oldest: time.Now().Add(-time.Minute)},
		{Owner: one, Signal: pipeline.SignalTraces, Accepted: 1, Stored: 1},
		{Owner: two, Signal: pipeline.SignalLogs, Accepted: 1, Queued: 1, Refused: map[string]uint64{"full": 1, "share": 2}, Oldest: time.Now()},
	}}})
	var got ledgerAnswer
	answer := r.get(t, "/api/v2/otlp/ledger", "good")
	require.Equal(t, http.StatusOK, answer.code)
	require.NoError(t, json.Unmarshal(answer.body, &got))
	require.Len(t, got.Accounts, 2)
	require.InDelta(t, 60, got.Accounts[1].Age, 30)
	got.Accounts[1].Age = 0
	require.Equal(t, []accountAnswer{
		{Workspace: one.Workspace, Tenant: one.Tenant, Signal: "traces", Accepted: 1, Stored: 1, Refused: map[string]uint64{}},
		{Workspace: two.Workspace, Tenant: two.Tenant, Signal: "logs", Accepted: 11, Stored: 4, Queued: 4, Dead: 2, Filtered: 1, Refused: map[string]uint64{"full": 6, "share": 2}},
	}, got.Accounts)
	require.JSONEq(t, `{"accounts":[]}`, string(r.get(t, "/api/v2/otlp/ledger", "other").body))
}
