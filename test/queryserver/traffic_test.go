//go:build linux

package queryserver

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/localstack/stacktest"
)

// traffic is callers who go on whatever happens, and how they were answered.
type traffic struct {
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu     sync.Mutex
	seen   map[string]int // "caller status" since the last look
	faults []string       // answers that nobody may ever get
}

// start lets a caller ask again and again. Each time, ask sends one request.
func (tr *traffic) start(ctx context.Context, name string, ask func(context.Context) (*http.Response, error)) {
	tr.running.Go(func() {
		for ctx.Err() == nil {
			response, err := ask(ctx)
			if err != nil {
				if ctx.Err() == nil {
					tr.fault(fmt.Sprintf("%s: no answer: %v", name, err))
				}
				return
			}
			text, _ := io.ReadAll(response.Body)
			response.Body.Close()
			tr.note(name, response, text)
			pause(ctx, 5*time.Millisecond)
		}
	})
}

// note keeps an answer. None may ever be an internal error, and one that asks for
// patience says how much.
func (tr *traffic) note(name string, response *http.Response, text []byte) {
	status := response.StatusCode
	if status < http.StatusMultipleChoices {
		status = http.StatusOK // or Created, or No Content
	}
	tr.mu.Lock()
	tr.seen[fmt.Sprintf("%s %d", name, status)]++
	tr.mu.Unlock()
	switch {
	case response.StatusCode == http.StatusServiceUnavailable && response.Header.Get("Retry-After") == "":
		tr.fault(name + ": 503 without Retry-After")
	case response.StatusCode >= 300 && response.StatusCode != http.StatusServiceUnavailable:
		tr.fault(fmt.Sprintf("%s: %d %.300s", name, response.StatusCode, text))
	}
}

func (tr *traffic) fault(what string) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.faults = append(tr.faults, what)
}

// look gives the answers since the last look, by caller and status.
func (tr *traffic) look() map[string]int {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	seen := tr.seen
	tr.seen = make(map[string]int)
	return seen
}

// awaitAll waits until every caller has had an answer of the status since now.
func (tr *traffic) awaitAll(t *testing.T, status int) {
	t.Helper()
	tr.look()
	missing := func() (names []string) {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		for _, name := range callerNames {
			if tr.seen[fmt.Sprintf("%s %d", name, status)] == 0 {
				names = append(names, name)
			}
		}
		return names
	}
	for deadline := time.Now().Add(patience); len(missing()) > 0; pause(t.Context(), stacktest.Often) {
		tr.requireNoFault(t)
		if time.Now().After(deadline) {
			require.Fail(t, "nobody answers so", "no %d for %v, but %v", status, missing(), tr.look())
		}
	}
}

// patience is how long a fault may take to be seen by all callers, on a busy machine.
const patience = 2 * time.Minute

// requireOnly fails when there was an answer of another status since the last look.
func (tr *traffic) requireOnly(t *testing.T, statuses ...int) {
	t.Helper()
	tr.requireNoFault(t)
	for answer, n := range tr.look() {
		var status int
		_, err := fmt.Sscan(answer[strings.LastIndex(answer, " ")+1:], &status)
		require.NoError(t, err)
		require.True(t, slices.Contains(statuses, status), "%d × %s", n, answer)
	}
}

func (tr *traffic) requireNoFault(t *testing.T) {
	t.Helper()
	tr.mu.Lock()
	defer tr.mu.Unlock()
	require.Empty(t, tr.faults)
}

func (tr *traffic) stop() {
	tr.cancel()
	tr.running.Wait()
}

func pause(ctx context.Context, length time.Duration) {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

var callerNames = []string{"reads by JWT", "reads by cookie", "lists users", "refreshes", "logs in", "changes roles"}

// request makes a request of a client without a test to fail.
func (c *client) request(ctx context.Context, method, path string, body any) (*http.Response, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	if body == nil {
		request.Body, request.ContentLength = nil, 0
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Requested-With", "test")
	request.Header.Set("Origin", c.base)
	if c.bearer != "" {
		request.Header.Set("Authorization", "Bearer "+c.bearer)
	}
	return c.Do(request)
}

// traffic starts the callers: reads by JWT and by cookie, refreshes, logins, and an Owner
// who gives a role and takes it away.
func (s *server) traffic(t *testing.T, subjectOfChanges string) *traffic {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	tr := &traffic{cancel: cancel, seen: make(map[string]int)}
	t.Cleanup(tr.stop)
	get := func(c *client, path string) func(context.Context) (*http.Response, error) {
		return func(ctx context.Context) (*http.Response, error) { return c.request(ctx, http.MethodGet, path, nil) }
	}
	owner := s.login(t, email)
	var me struct{ TenantID string }
	owner.ask(t, http.MethodGet, "/api/v2/auth/me", nil, &me)
	tr.start(ctx, "reads by JWT", get(owner, "/api/v2/auth/me"))
	tr.start(ctx, "lists users", get(owner, "/api/v2/users"))

	browser := s.client(t)
	status, _ := browser.ask(t, http.MethodPost, "/api/v2/auth/login", map[string]any{"email": email, "password": secret, "cookie": true}, nil)
	require.Equal(t, http.StatusOK, status)
	tr.start(ctx, "reads by cookie", get(browser, "/api/v2/auth/me"))

	again := s.client(t)
	tr.start(ctx, "logs in", func(ctx context.Context) (*http.Response, error) {
		return again.request(ctx, http.MethodPost, "/api/v2/auth/login", map[string]any{"email": email, "password": secret})
	})
	tr.start(ctx, "refreshes", s.refreshing(t))

	const developer = "00000000-0000-8000-8000-000000000003"
	path, given := "/api/v2/users/"+subjectOfChanges+"/tenants/"+me.TenantID+"/roles/"+developer, false
	tr.start(ctx, "changes roles", func(ctx context.Context) (*http.Response, error) {
		method := http.MethodPut
		if given {
			method = http.MethodDelete
		}
		response, err := owner.request(ctx, method, path, nil)
		switch {
		case err != nil:
		case response.StatusCode < 300:
			given = !given
		case response.StatusCode == http.StatusNotFound && given:
			// The change before was made, and its answer lost with PostgreSQL.
			response.StatusCode, given = http.StatusNoContent, false
		}
		return response, err
	})
	return tr
}

// grace is for how long a refresh token whose exchange was not answered can be tried again.
const grace = 10 * time.Second

// refreshing exchanges refresh tokens, each for the next one. Where the answer to an
// exchange that was made was lost for longer than the grace, the session has ended, as if
// the token had been stolen (RFC 9700 section 4.14): its user logs in again.
func (s *server) refreshing(t *testing.T) func(context.Context) (*http.Response, error) {
	t.Helper()
	c := s.client(t)
	var got session
	var failing time.Time // since when the present token was tried without an answer
	credentials := map[string]any{"email": email, "password": secret}
	status, _ := c.ask(t, http.MethodPost, "/api/v2/auth/login", credentials, &got)
	require.Equal(t, http.StatusOK, status)
	return func(ctx context.Context) (*http.Response, error) {
		began := time.Now()
		response, err := c.request(ctx, http.MethodPost, "/api/v2/auth/refresh", map[string]any{"refreshToken": got.RefreshToken})
		if err == nil && response.StatusCode == http.StatusUnauthorized && !failing.IsZero() && time.Since(failing) > grace {
			response.Body.Close()
			response, err = c.request(ctx, http.MethodPost, "/api/v2/auth/login", credentials)
		}
		if err != nil || response.StatusCode != http.StatusOK {
			if failing.IsZero() {
				failing = began
			}
			return response, err
		}
		failing = time.Time{}
		text, err := io.ReadAll(response.Body)
		response.Body.Close()
		response.Body = io.NopCloser(bytes.NewReader(text))
		if err == nil {
			err = json.Unmarshal(text, &got)
		}
		return response, err
	}
}
