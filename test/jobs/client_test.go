//go:build linux

package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/localstack"
	"github.com/telemetryflow/telemetryflow/internal/localstack/stacktest"
)

// call sends a request with a key.
func call(ctx context.Context, method, url string, key localstack.Key, body string) (status int, text string, err error) {
	request, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-API-Key-ID", key.ID)
	request.Header.Set("X-API-Key-Secret", key.Secret)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	return response.StatusCode, string(answer), err
}

// export sends traces and returns the id of the answer.
func export(ctx context.Context, c *stacktest.Collector, key localstack.Key, body string) (id string, err error) {
	status, text, err := call(ctx, http.MethodPost, "http://"+c.HTTP+"/api/v2/otlp/traces", key, body)
	if err != nil {
		return "", err
	}
	if status != http.StatusOK {
		return "", fmt.Errorf("answered %d: %s", status, text)
	}
	var answer struct {
		JobID string `json:"jobId"`
	}
	err = json.Unmarshal([]byte(text), &answer)
	return answer.JobID, err
}

func mustExport(t *testing.T, c *stacktest.Collector, key localstack.Key, body string) string {
	t.Helper()
	id, err := export(t.Context(), c, key, body)
	require.NoError(t, err)
	require.NotEmpty(t, id)
	return id
}

type job struct {
	JobID    string `json:"jobId"`
	Signal   string `json:"signal"`
	Status   string `json:"status"`
	Accepted int    `json:"accepted"`
	Stored   int    `json:"stored"`
	Dead     int    `json:"dead"`
	Rejected int    `json:"rejected"`
}

// ask returns what a collector says of a job, or the zero job when it knows none.
func ask(t *testing.T, c *stacktest.Collector, key localstack.Key, id string) (found job) {
	t.Helper()
	status, text, err := call(t.Context(), http.MethodGet, "http://"+c.HTTP+"/api/v2/otlp/jobs/"+id, key, "")
	require.NoError(t, err)
	if status == http.StatusNotFound {
		require.JSONEq(t, `{"code":5,"message":"no such job, or it was finished too long ago"}`, text)
		return job{}
	}
	require.Equal(t, http.StatusOK, status, text)
	require.NoError(t, json.Unmarshal([]byte(text), &found))
	return found
}

func await(t *testing.T, c *stacktest.Collector, key localstack.Key, want job) {
	t.Helper()
	var got job
	require.Eventually(t, func() bool { got = ask(t, c, key, want.JobID); return got == want },
		stacktest.Patience, stacktest.Often, "want %+v", want)
}

type account struct {
	Tenant   string            `json:"tenantId"`
	Signal   string            `json:"signal"`
	Accepted int               `json:"accepted"`
	Refused  map[string]uint64 `json:"refused"`
	Stored   int               `json:"stored"`
	Queued   int               `json:"queued"`
	Dead     int               `json:"dead"`
	Filtered int               `json:"filtered"`
	Age      float64           `json:"ageOfOldestSeconds"`
}

// ledger returns a key's only account, which adds up.
func ledger(t *testing.T, c *stacktest.Collector, key localstack.Key) account {
	t.Helper()
	status, text, err := call(t.Context(), http.MethodGet, "http://"+c.HTTP+"/api/v2/otlp/ledger", key, "")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status, text)
	var answer struct {
		Accounts []account `json:"accounts"`
	}
	require.NoError(t, json.Unmarshal([]byte(text), &answer))
	require.Len(t, answer.Accounts, 1)
	a := answer.Accounts[0]
	require.Equal(t, a.Accepted, a.Stored+a.Queued+a.Dead+a.Filtered)
	return a
}
