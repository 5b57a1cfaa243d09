//go:build linux

package load_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"github.com/telemetryflow/telemetryflow/bench/ingest/internal/corpus"
	"github.com/telemetryflow/telemetryflow/bench/ingest/internal/load"
)

// run serves a job in this process and returns what it says.
func run(t *testing.T, job load.Job) *load.Result {
	t.Helper()
	orders, give := io.Pipe()
	answers, say := io.Pipe()
	failed := make(chan error, 1)
	go func() { failed <- load.Serve(t.Context(), orders, say) }()
	require.NoError(t, json.NewEncoder(give).Encode(job))
	heard := bufio.NewReader(answers)
	line, err := heard.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "ready\n", line)
	_, err = io.WriteString(give, "go\n")
	require.NoError(t, err)
	var said struct {
		Result *load.Result
		Fault  string
	}
	require.NoError(t, json.NewDecoder(heard).Decode(&said))
	require.Empty(t, said.Fault)
	require.NoError(t, <-failed)
	return said.Result
}

// sink acknowledges what its judge lets pass, and counts records.
func sink(t *testing.T, records *atomic.Int64, refuse func() bool) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if refuse() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		request := plogotlp.NewExportRequest()
		if request.UnmarshalProto(body) != nil || r.Header.Get("X-API-Key-ID") == "" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		records.Add(int64(request.Logs().LogRecordCount()))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func job(url string) load.Job {
	return load.Job{URL: url, Keys: []load.Key{{ID: "a", Secret: "b"}, {ID: "c", Secret: "d"}}, Signals: []string{corpus.Logs}, RequestItems: 50, Bodies: 4, Connections: 2}
}

func TestServe_Items(t *testing.T) {
	t.Parallel()
	var records, requests atomic.Int64
	j := job(sink(t, &records, func() bool { return requests.Add(1)%10 == 5 }))
	j.Items = 1000
	result := run(t, j)
	require.Equal(t, 1000, result.Total())
	require.EqualValues(t, result.Rows(corpus.Logs), records.Load())
	require.Equal(t, 2, result.Warm[corpus.Logs])
	require.Positive(t, result.Refused)
}

// A pipeline that stands still is charged for every request that was due meanwhile.
func TestServe_Rate(t *testing.T) {
	t.Parallel()
	const stall = 300 * time.Millisecond
	var records, requests atomic.Int64
	j := job(sink(t, &records, func() bool {
		if requests.Add(1) == 5 {
			<-time.After(stall)
		}
		return false
	}))
	j.Connections, j.Rate, j.For = 1, 5000, time.Second
	result := run(t, j)
	require.Equal(t, 5000, result.Total())
	require.GreaterOrEqual(t, result.AllLatency.Max, stall)
	require.GreaterOrEqual(t, result.Behind, stall/2)
	require.Greater(t, result.AllLatency.P95, stall/2)
}
