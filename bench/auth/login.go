//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/sync/errgroup"
)

// parallel is how many log in, or hash, at once.
const parallel = 4

// measureLogins compares logins over HTTP with bare hashes of the stored parameters.
func measureLogins(t testing.TB, o *options, out io.Writer) error {
	d, err := startDatabases(t)
	if err != nil {
		return err
	}
	in, err := d.organization(t.Context(), "acme", parallel)
	if err != nil {
		return err
	}
	s, err := startServer(t, d)
	if err != nil {
		return err
	}
	var clients [parallel]*client
	for i := range clients {
		if clients[i], err = s.client(s.transport(1)); err != nil {
			return err
		}
		if _, err := clients[i].login(t.Context(), in.users[i].email); err != nil { // its browser is known from now on
			return err
		}
	}
	var ratios, logins []float64
	for round := range o.rounds {
		bare, err := fourAtOnce(t.Context(), o.logins, func(_ context.Context, _ int) (time.Duration, error) { return hashOnce(), nil })
		if err != nil {
			return err
		}
		real, err := fourAtOnce(t.Context(), o.logins, func(ctx context.Context, i int) (time.Duration, error) {
			return clients[i].login(ctx, in.users[i].email)
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "login round %d: p50 %.1f ms, p95 %.1f ms; bare hash p50 %.1f ms, p95 %.1f ms\n", round+1,
			milliseconds(percentile(real, 50)), milliseconds(percentile(real, 95)), milliseconds(percentile(bare, 50)), milliseconds(percentile(bare, 95)))
		ratios = append(ratios, milliseconds(percentile(real, 95))/milliseconds(percentile(bare, 95)))
		logins = append(logins, milliseconds(percentile(real, 95)))
	}
	figure(out, "login_cost_ratio", median(ratios))
	figure(out, "login_p95_ms", median(logins))
	return nil
}

// hashOnce is Argon2id with the floor's parameters, as they are stored.
func hashOnce() time.Duration {
	began := time.Now()
	argon2.IDKey([]byte(secret), []byte("sixteen bytes ok"), 2, 19*1024, 1, 32)
	return time.Since(began)
}

// fourAtOnce does something n times in each of four goroutines.
func fourAtOnce(ctx context.Context, n int, do func(ctx context.Context, i int) (time.Duration, error)) ([]time.Duration, error) {
	var mu sync.Mutex
	var all []time.Duration
	group, ctx := errgroup.WithContext(ctx)
	for i := range parallel {
		group.Go(func() error {
			var own []time.Duration
			for range n {
				took, err := do(ctx, i)
				if err != nil {
					return err
				}
				own = append(own, took)
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, own...)
			return nil
		})
	}
	return all, group.Wait()
}
