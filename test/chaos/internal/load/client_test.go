package load_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/telemetryflow/telemetryflow/test/chaos/internal/ledger"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/load"
)

// server gives one answer after another and keeps the numbers of the spans.
type server struct {
	mu      sync.Mutex
	answers []func(http.ResponseWriter)
	numbers []int64
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	request := ptraceotlp.NewExportRequest()
	if r.URL.Path != "/v1/traces" || request.UnmarshalProto(body) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	spans := request.Traces().ResourceSpans().At(0).ScopeSpans().At(0).Spans()
	for _, span := range spans.All() {
		number, _ := span.Attributes().Get(load.NumberAttribute)
		s.numbers = append(s.numbers, number.Int())
	}
	if len(s.answers) > 0 {
		answer := s.answers[0]
		s.answers = s.answers[1:]
		answer(w)
	}
}

func status(code int) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { w.WriteHeader(code) }
}

func hangUp(http.ResponseWriter) { panic(http.ErrAbortHandler) }

func partial(w http.ResponseWriter) { _, _ = w.Write([]byte{10, 2, 8, 1}) }

func run(t *testing.T, s *server, change func(*load.Config)) *ledger.Book {
	t.Helper()
	listening := httptest.NewServer(s)
	t.Cleanup(listening.Close)
	config := &load.Config{
		Ledger: filepath.Join(t.TempDir(), "ledger"), HTTP: strings.TrimPrefix(listening.URL, "http://"), GRPC: "127.0.0.1:1",
		Streams: []load.Stream{{Name: "s", Kind: load.Spans, Transport: load.HTTP}},
		Rate:    1000, BatchItems: 10, InFlight: 1, Timeout: time.Second, For: 300 * time.Millisecond, Patience: time.Minute,
	}
	change(config)
	require.NoError(t, load.Run(t.Context(), config))
	book, err := ledger.Open(config.Ledger)
	require.NoError(t, err)
	return book
}

func TestRun(t *testing.T) {
	t.Parallel()
	s := &server{answers: []func(http.ResponseWriter){status(200), status(503), hangUp, partial, status(400)}}
	book := run(t, s, func(*load.Config) {})
	var outcomes []ledger.Outcome
	for _, e := range book.Entries[:6] {
		outcomes = append(outcomes, e.Outcome)
	}
	require.Equal(t, []ledger.Outcome{ledger.Acked, ledger.Refused, ledger.Unknown, ledger.Unknown, ledger.Refused, ledger.Acked}, outcomes)
	require.Equal(t, map[string]int{"R 503": 1, "R 400": 1, "U": 1, "U partial": 1}, book.Reasons())
	require.Len(t, s.numbers, len(book.Streams["s"]))
	for i, number := range s.numbers {
		require.EqualValues(t, i, number)
	}
}

func TestRun_Retry(t *testing.T) {
	t.Parallel()
	s := &server{answers: []func(http.ResponseWriter){status(503), hangUp, status(429), status(400)}}
	book := run(t, s, func(c *load.Config) { c.RetryRefused, c.RetryUnknown = true, true })
	require.Equal(t, 10, book.Count(ledger.Unknown)+book.Count(ledger.Refused), "only 400 is no reason to send it again")
	require.EqualValues(t, 0, s.numbers[30], "the fourth attempt of the first request")
}

func TestRun_NotSent(t *testing.T) {
	t.Parallel()
	for _, transport := range []load.Transport{load.HTTP, load.GRPC} {
		book := run(t, &server{}, func(c *load.Config) { c.HTTP, c.Streams[0].Transport = c.GRPC, transport })
		require.Zero(t, book.Count(ledger.Acked)+book.Count(ledger.Unknown))
		require.Equal(t, map[string]int{"R not_sent": len(book.Entries)}, book.Reasons())
		require.NotEmpty(t, book.Entries)
	}
}
