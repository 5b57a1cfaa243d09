//go:build !race

// The race detector slows everything down unevenly: there is nothing to measure with it.

package password

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// samples takes turns between calls, in another order each time, so that what else the
// machine does meets all of them.
func samples(t *testing.T, each int, calls map[string]func() error) map[string][]time.Duration {
	t.Helper()
	times := make(map[string][]time.Duration)
	for range each {
		for name, call := range calls { // the order of a map is random
			began := time.Now()
			require.NoError(t, call(), name)
			times[name] = append(times[name], time.Since(began))
		}
	}
	return times
}

// auc is how often a guess by the time would be right: 0.5 when the time tells nothing.
func auc(some, others []time.Duration) float64 {
	longer := 0.0
	for _, a := range some {
		for _, b := range others {
			switch {
			case a > b:
				longer++
			case a == b:
				longer += 0.5
			}
		}
	}
	return longer / float64(len(some)*len(others))
}

func median(times []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(times))[len(times)/2]
}

// It runs before the parallel tests. With 24 samples of each, the area under the curve
// of two equal things is 0.5 ± 0.084; a missing or different hash gives 0 or 1.
func TestASVS6_3_8_TimeDoesNotTellUnknownUsers(t *testing.T) {
	for _, algorithm := range []string{Argon2id, Bcrypt} {
		h := hasher(t, func(s *Settings) { s.Algorithm = algorithm })
		hash, err := h.Hash(t.Context(), "password")
		require.NoError(t, err)
		wrong := func(password, hash string) func() error {
			return func() error {
				verdict, err := h.Verify(context.Background(), password, hash)
				require.False(t, verdict.Right)
				return err
			}
		}
		calls := map[string]func() error{
			"wrong password": wrong("passwort", hash),
			"unknown user":   func() error { return h.Burn(context.Background()) },
			"far too long":   wrong(strings.Repeat("x", 1<<20), hash),
			"a NUL":          wrong("password\x00", hash),
			"unreadable hash": func() error {
				_, err := h.Verify(context.Background(), "password", "broken")
				require.Error(t, err)
				return nil
			},
			"no hash": func() error { return nil }, // the measure itself can tell
		}
		if algorithm == Bcrypt { // slow, and the way there is the same
			delete(calls, "far too long")
			delete(calls, "a NUL")
			delete(calls, "unreadable hash")
		}
		times := samples(t, 24, calls)
		base := times["wrong password"]
		require.InDelta(t, 1, auc(base, times["no hash"]), 0.01)
		for name, taken := range times {
			t.Logf("%s, %s: median %v, AUC %.2f", algorithm, name, median(taken), auc(base, taken))
			if name == "no hash" {
				continue
			}
			require.InDelta(t, 0.5, auc(base, taken), 0.35, "%s, %s", algorithm, name)
			require.InEpsilon(t, median(base).Seconds(), median(taken).Seconds(), 0.5, "%s, %s", algorithm, name)
		}
	}
}
