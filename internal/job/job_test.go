package job_test

import (
	"encoding/base64"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pipeline"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/job"
)

var secret = job.Secret{1, 2, 3}

func example() job.Job {
	return job.Job{
		Place:  job.Place{Writer: job.Writer{9, 8}, Batch: 217_000_000_000, Request: 41},
		Signal: pipeline.SignalMetrics, Key: apikey.ID{7}, Accepted: 8192, Rejected: 3,
		At: time.UnixMilli(1_790_000_000_123).UTC(),
	}
}

func TestJob_ID(t *testing.T) {
	t.Parallel()
	most := job.Job{
		Place:  job.Place{Batch: math.MaxInt64, Request: math.MaxInt64},
		Signal: pipeline.SignalLogs, Accepted: math.MaxInt64, Rejected: math.MaxInt64, At: time.UnixMilli(math.MaxInt64 / 2000).UTC(),
	}
	for name, j := range map[string]job.Job{
		"OK": example(), "OK zero": {Signal: pipeline.SignalTraces, At: time.UnixMilli(0).UTC()}, "OK most": most,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			id := j.ID(secret)
			require.Regexp(t, "^[A-Za-z0-9_-]+$", id)
			require.Equal(t, id, j.ID(secret), "the same job has the same id")
			claim, err := job.Parse(id)
			require.NoError(t, err)
			require.Equal(t, j, claim.Job)
			require.True(t, claim.ProvenBy(secret))
			require.False(t, claim.ProvenBy(job.Secret{1, 2, 4}))
		})
	}
}

// No other text is believed: neither with a bit changed, nor cut, nor longer.
func TestParse_Forged(t *testing.T) {
	t.Parallel()
	j := example()
	id := j.ID(secret)
	text, err := base64.RawURLEncoding.DecodeString(id)
	require.NoError(t, err)
	for i := range text {
		for bit := range 8 {
			forged := append([]byte{}, text...)
			forged[i] ^= 1 << bit
			requireUnproven(t, base64.RawURLEncoding.EncodeToString(forged))
		}
		requireUnproven(t, base64.RawURLEncoding.EncodeToString(text[:i]))
	}
	for _, other := range []string{
		"", "x", id + "A", id + "==", " " + id, strings.ToUpper(id), id[:len(id)-1], strings.Repeat("A", 1<<20),
		"0123456789abcdef0123456789abcdef",
	} {
		requireUnproven(t, other)
	}
}

func requireUnproven(t *testing.T, id string) {
	t.Helper()
	claim, err := job.Parse(id)
	if err != nil {
		require.ErrorIs(t, err, job.ErrID)
		return
	}
	require.False(t, claim.ProvenBy(secret), id)
}

// What can be parsed has one spelling, and means what it says.
func FuzzParse(f *testing.F) {
	j := example()
	f.Add(j.ID(secret))
	f.Add("")
	f.Add(strings.Repeat("AQ", 40))
	f.Fuzz(func(t *testing.T, id string) {
		claim, err := job.Parse(id)
		if err != nil {
			return
		}
		again := claim.ID(secret)
		require.Equal(t, claim.ProvenBy(secret), again == id)
		reread, err := job.Parse(again)
		require.NoError(t, err)
		require.Equal(t, claim.Job, reread.Job)
	})
}
