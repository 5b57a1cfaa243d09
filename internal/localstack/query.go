package localstack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
)

// maxErrorText bounds in bytes what is shown of the engine's answer to a query
// that failed.
const maxErrorText = 4 << 10

// Query runs one statement on the stack's engine, as its administrator, and
// writes the answer in a ClickHouse format. Answers that the engine cannot finish
// are reported as errors: it keeps the status back until the end.
func (s *State) Query(ctx context.Context, query, format string, answer io.Writer) error {
	return s.ask(ctx, databaseName, query, format, answer)
}

func (s *State) ask(ctx context.Context, database, query, format string, answer io.Writer) error {
	address := "http://" + hostPort(s.EnginePort) + "/?" + url.Values{
		"database": {database}, "default_format": {format}, "wait_end_of_query": {"1"},
	}.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(query))
	if err != nil {
		return fmt.Errorf("prepare the query: %w", err)
	}
	request.SetBasicAuth(engineUser, s.EnginePassword)
	response, err := http.DefaultClient.Do(request)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("the engine does not answer on %s: is `telemetryflow up` running?", hostPort(s.EnginePort))
	case err != nil:
		return fmt.Errorf("ask the engine: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, maxErrorText))
		return fmt.Errorf("the engine refuses the query: %s", strings.TrimSpace(string(text)))
	}
	if _, err := io.Copy(answer, response.Body); err != nil {
		return fmt.Errorf("read the engine's answer: %w", err)
	}
	return nil
}
