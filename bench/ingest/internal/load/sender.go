package load

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/telemetryflow/telemetryflow/bench/ingest/internal/corpus"
)

// pause before a refused request is sent again.
const pause = 50 * time.Millisecond

// sender is one connection with bodies of its own.
type sender struct {
	job    *Job
	client *http.Client
	bodies []*corpus.Body
	next   int

	items     map[string]int
	latencies map[string][]time.Duration
	requests  int
	refused   int
	behind    time.Duration
	last      time.Time
}

func newSender(job *Job, bodies []*corpus.Body) *sender {
	return &sender{
		job: job, bodies: bodies,
		client:    &http.Client{Transport: &http.Transport{DisableCompression: true}},
		items:     map[string]int{},
		latencies: map[string][]time.Duration{},
	}
}

// sendAt sends the next body when it is due.
func (s *sender) sendAt(ctx context.Context, due time.Time) error {
	if err := sleepUntil(ctx, due); err != nil {
		return err
	}
	return s.send(ctx, due)
}

// send sends the next body, which was due at a time, until it is acknowledged.
func (s *sender) send(ctx context.Context, due time.Time) error {
	body := s.bodies[s.next]
	s.next = (s.next + 1) % len(s.bodies)
	now := time.Now()
	s.behind = max(s.behind, now.Sub(due))
	data := body.Next(now)
	for {
		acknowledged, err := s.post(ctx, body, data)
		if err != nil {
			return err
		}
		if acknowledged {
			break
		}
		s.refused++
		if err := sleepUntil(ctx, time.Now().Add(pause)); err != nil {
			return err
		}
	}
	s.last = time.Now()
	s.requests++
	s.items[body.Signal] += body.Items
	s.latencies[body.Signal] = append(s.latencies[body.Signal], s.last.Sub(due))
	return nil
}

// post reports whether the body was acknowledged; false asks to send it again.
func (s *sender) post(ctx context.Context, body *corpus.Body, data []byte) (bool, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.job.URL+"/v1/"+body.Signal, bytes.NewReader(data))
	if err != nil {
		return false, err
	}
	request.Header.Set("Content-Type", "application/x-protobuf")
	if len(s.job.Keys) > 0 {
		key := s.job.Keys[body.Owner]
		request.Header.Set("X-API-Key-ID", key.ID)
		request.Header.Set("X-API-Key-Secret", key.Secret)
	}
	response, err := s.client.Do(request)
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return false, err
	}
	switch response.StatusCode {
	case http.StatusOK:
		return true, fullSuccess(answer)
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return false, nil
	default:
		return false, fmt.Errorf("refused with %s: %q", response.Status, answer)
	}
}

// fullSuccess looks for rejected items. The answers of all signals have one form.
func fullSuccess(answer []byte) error {
	response := ptraceotlp.NewExportResponse()
	if err := response.UnmarshalProto(answer); err != nil {
		return fmt.Errorf("read an answer: %w", err)
	}
	if n := response.PartialSuccess().RejectedSpans(); n > 0 {
		return fmt.Errorf("%d items were rejected: %s", n, response.PartialSuccess().ErrorMessage())
	}
	return nil
}

func sleepUntil(ctx context.Context, at time.Time) error {
	wait := time.Until(at)
	if wait <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
