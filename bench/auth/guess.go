//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	guessers   = 200 // wrong logins in flight
	otherRate  = 200 // requests a second of those who are logged in
	otherUsers = 8
)

// measureGuesses compares the latency of requests while many guess passwords with that
// while nobody does.
func measureGuesses(t testing.TB, o *options, out io.Writer) error {
	d, err := startDatabases(t)
	if err != nil {
		return err
	}
	in, err := d.organization(t.Context(), "acme", otherUsers+guessers)
	if err != nil {
		return err
	}
	s, err := startServer(t, d)
	if err != nil {
		return err
	}
	others, err := s.loggedIn(t.Context(), in.users[:otherUsers])
	if err != nil {
		return err
	}
	guess := func(ctx context.Context) (*guessing, error) { return s.guess(ctx, in.users[otherUsers:]) }
	var ratios []float64
	for round := range o.rounds {
		quiet, err := openLoop(t.Context(), others, o.quiet)
		if err != nil {
			return err
		}
		under, err := guess(t.Context())
		if err != nil {
			return err
		}
		loud, err := openLoop(t.Context(), others, o.quiet)
		answers := under.stop()
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "guess round %d: p50 %.2f ms, p99 %.2f ms; without guesses p50 %.2f ms, p99 %.2f ms; %s\n", round+1,
			milliseconds(percentile(loud, 50)), milliseconds(percentile(loud, 99)), milliseconds(percentile(quiet, 50)), milliseconds(percentile(quiet, 99)), answers)
		ratios = append(ratios, milliseconds(percentile(loud, 99))/milliseconds(percentile(quiet, 99)))
	}
	figure(out, "wrong_login_p99_ratio", median(ratios))
	return nil
}

// loggedIn are callers by JWT.
func (s *server) loggedIn(ctx context.Context, users []user) ([]*client, error) {
	var all []*client
	for _, one := range users {
		c, err := s.client(s.transport(16))
		if err != nil {
			return nil, err
		}
		if _, err := c.login(ctx, one.email); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// openLoop sends n requests at otherRate, each when it is due whatever became of those
// before it, and gives how long each took from then.
func openLoop(ctx context.Context, callers []*client, n int) ([]time.Duration, error) {
	took := make([]time.Duration, n)
	faults := make(chan error, n)
	var running sync.WaitGroup
	begun := time.Now()
	for i := range n {
		pause(ctx, time.Until(begun.Add(time.Duration(i)*time.Second/otherRate)))
		sent := time.Now() // the load generator's own delay is none of the server's
		running.Go(func() {
			status, _, err := callers[i%len(callers)].ask(ctx, http.MethodGet, "/api/v2/auth/me", nil, nil)
			took[i] = time.Since(sent)
			if err == nil && status != http.StatusOK {
				err = fmt.Errorf("a request was answered %d", status)
			}
			if err != nil {
				faults <- err
			}
		})
	}
	running.Wait()
	close(faults)
	return took, <-faults
}

// guessing is wrong logins under way.
type guessing struct {
	cancel  context.CancelFunc
	running sync.WaitGroup
	answers [600]atomic.Int64
}

// guess has one wrong login in flight for each of the users, until it is stopped. Who is
// told to try again later does so.
func (s *server) guess(ctx context.Context, users []user) (*guessing, error) {
	ctx, cancel := context.WithCancel(ctx)
	g := &guessing{cancel: cancel}
	transport := s.transport(len(users))
	for _, one := range users {
		c, err := s.client(transport)
		if err != nil {
			cancel()
			return nil, err
		}
		g.running.Go(func() {
			for ctx.Err() == nil {
				status, took, err := c.ask(ctx, http.MethodPost, "/api/v2/auth/login", map[string]any{"email": one.email, "password": "wrong"}, nil)
				if err != nil {
					return
				}
				g.answers[status].Add(1)
				if status == http.StatusTooManyRequests && took < time.Second { // refused at once, and told to come again in 2 s
					pause(ctx, 2*time.Second)
				}
			}
		})
	}
	// All have begun when the first have been answered.
	for g.answers[http.StatusUnauthorized].Load() == 0 {
		if pause(ctx, 10*time.Millisecond); ctx.Err() != nil {
			return g, ctx.Err()
		}
	}
	return g, nil
}

func pause(ctx context.Context, length time.Duration) {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// stop ends the guesses, and says how they were answered.
func (g *guessing) stop() (answers string) {
	for status := range g.answers {
		if n := g.answers[status].Load(); n > 0 {
			answers += fmt.Sprintf("%d guesses answered %d ", n, status)
		}
	}
	g.cancel()
	g.running.Wait()
	return answers
}
