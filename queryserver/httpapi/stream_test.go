package httpapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// streams is a server of one stream, which ends as its last word says.
func streams(t *testing.T, change func(*Settings), ended chan<- error) *fixture {
	t.Helper()
	f := &fixture{callers: newCallers(), logs: &safeBuffer{}, spans: tracetest.NewInMemoryExporter()}
	settings := testSettings()
	if change != nil {
		change(&settings)
	}
	operation := Operation{Method: "GET", Path: "/api/v2/stream/{kind}", ID: "stream", Tag: "Things", Summary: "Test"}
	server, err := New(settings, f.dependencies(t), []Route{
		Stream(Requires(queryserver.MetricsRead), operation, []string{"application/x-ndjson", "application/x-protobuf"},
			func(ctx context.Context, _ queryserver.Call, input *kindInput, kind string) (func(io.Writer) error, error) {
				if input.Kind == "refused" {
					return nil, queryserver.Errorf(queryserver.Invalid, "no")
				}
				return func(to io.Writer) (err error) {
					defer func() { ended <- err }()
					switch input.Kind {
					case "empty":
						return nil
					case "unbegun":
						return &queryserver.Error{Code: queryserver.Unavailable, Message: "away"}
					case "broken":
						_, _ = io.WriteString(to, "half")
						return errors.New(causeSecret)
					case "endless":
						for err == nil && ctx.Err() == nil {
							_, err = to.Write(make([]byte, 1<<16))
						}
						return errors.Join(err, ctx.Err())
					}
					_, err = io.WriteString(to, "whole "+kind)
					return err
				}, nil
			}),
	})
	require.NoError(t, err)
	require.NoError(t, server.Start(t.Context()))
	t.Cleanup(func() { _ = server.Shutdown(context.Background()) })
	f.Server, f.url = server, "http://"+server.PublicAddr().String()
	return f
}

func TestStream(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 8)
	f := streams(t, nil, ended)
	ada := "Authorization: Bearer " + adaToken
	got := f.send(t, "GET", "/api/v2/stream/ok", "", ada)
	require.Equal(t, http.StatusOK, got.StatusCode)
	require.Equal(t, "whole application/x-ndjson", got.body)
	require.Equal(t, "application/x-ndjson", got.Header.Get("Content-Type"))
	got = f.send(t, "GET", "/api/v2/stream/ok", "", ada, "Accept: text/html, application/x-protobuf;q=0.5")
	require.Equal(t, "whole application/x-protobuf", got.body)
	require.Equal(t, "application/x-protobuf", got.Header.Get("Content-Type"))
	require.Empty(t, f.send(t, "GET", "/api/v2/stream/empty", "", ada).body)

	require.Equal(t, http.StatusNotAcceptable, f.send(t, "GET", "/api/v2/stream/ok", "", ada, "Accept: text/html").problem(t).Status)
	require.Equal(t, http.StatusUnauthorized, f.send(t, "GET", "/api/v2/stream/ok", "").problem(t).Status)
	require.Equal(t, http.StatusBadRequest, f.send(t, "GET", "/api/v2/stream/refused", "", ada).problem(t).Status)
	require.Equal(t, http.StatusBadRequest, f.send(t, "GET", "/api/v2/stream/ok?unknown=1", "", ada).problem(t).Status)
	require.Equal(t, http.StatusServiceUnavailable, f.send(t, "GET", "/api/v2/stream/unbegun", "", ada, "Accept: application/x-protobuf").problem(t).Status)

	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.url+"/api/v2/stream/broken", nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+adaToken)
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF, "half an answer does not look whole")
	require.Equal(t, "half", string(text))
	require.Eventually(t, func() bool { return strings.Contains(f.logs.String(), causeSecret) }, 5*time.Second, 10*time.Millisecond)
}

// Rule 30: a reader that stalls for 10 s, or goes, ends what feeds it; and so does the
// longest time.
func TestStream_ReaderStalls(t *testing.T) {
	t.Parallel()
	begin := func(f *fixture) *http.Response {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.url+"/api/v2/stream/endless", nil)
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer "+adaToken)
		response, err := (&http.Transport{}).RoundTrip(request)
		require.NoError(t, err)
		t.Cleanup(func() { _ = response.Body.Close() })
		return response
	}
	stalled, gone, long := make(chan error, 1), make(chan error, 1), make(chan error, 1)
	begun := time.Now()
	begin(streams(t, nil, stalled)) // reads nothing
	require.NoError(t, begin(streams(t, nil, gone)).Body.Close())
	reading := begin(streams(t, func(s *Settings) { s.Limits.StreamTimeout = time.Second }, long))
	_, err := io.Copy(io.Discard, reading.Body)
	require.Error(t, err)
	require.ErrorIs(t, <-long, context.DeadlineExceeded)
	require.Error(t, <-gone)
	require.Less(t, time.Since(begun), streamStall)
	require.ErrorIs(t, <-stalled, os.ErrDeadlineExceeded)
	require.Less(t, time.Since(begun), 2*streamStall)
}
