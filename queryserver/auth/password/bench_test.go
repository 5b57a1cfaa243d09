package password

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/argon2"
)

func BenchmarkVerify(b *testing.B) {
	for _, algorithm := range []string{Argon2id, Bcrypt} {
		b.Run(algorithm, func(b *testing.B) {
			h := hasher(b, func(s *Settings) { s.Algorithm = algorithm })
			hash, err := h.Hash(b.Context(), "password")
			require.NoError(b, err)
			for b.Loop() {
				verify(b, h, "password", hash)
			}
		})
	}
}

func BenchmarkPolicy(b *testing.B) {
	p := policy(b, nil)
	for b.Loop() {
		_ = p.Check("correct horse battery staple", Owner{Email: "jane.doe@example.com", Organization: "Acme Rockets"})
	}
}

// p95 of four hashes at a time: bare, and through the line.
func BenchmarkFourAtOnce(b *testing.B) {
	h := hasher(b, nil)
	hash, err := h.Hash(b.Context(), "password")
	require.NoError(b, err)
	params := DefaultSettings().params()
	four := func(work func()) time.Duration {
		const each = 25
		times := make([][]time.Duration, 4)
		var workers sync.WaitGroup
		for i := range times {
			workers.Go(func() {
				for range each {
					began := time.Now()
					work()
					times[i] = append(times[i], time.Since(began))
				}
			})
		}
		workers.Wait()
		all := slices.Sorted(slices.Values(slices.Concat(times...)))
		return all[len(all)*95/100]
	}
	bare := func() {
		argon2.IDKey([]byte("password"), make([]byte, 16), params.Iterations, params.Memory, params.Parallelism, 32)
	}
	for b.Loop() {
		alone := four(bare)
		through := four(func() { _, _ = h.Verify(context.Background(), "password", hash) })
		b.ReportMetric(float64(alone.Milliseconds()), "bare_p95_ms")
		b.ReportMetric(float64(through.Milliseconds()), "p95_ms")
		b.ReportMetric(through.Seconds()/alone.Seconds(), "ratio")
	}
}

// p99 of small requests, alone and beside 200 wrong logins at once.
func BenchmarkOthersBesideGuesses(b *testing.B) {
	h := hasher(b, func(s *Settings) { s.QueueLength = 500 })
	hash, err := h.Hash(b.Context(), "password")
	require.NoError(b, err)
	others := func() time.Duration {
		var times []time.Duration
		for range 1500 {
			time.Sleep(time.Millisecond)
			began := time.Now()
			done := make(chan struct{})
			go func() { // as a request has a goroutine of its own
				for start := time.Now(); time.Since(start) < 300*time.Microsecond; {
					continue
				}
				close(done)
			}()
			<-done
			times = append(times, time.Since(began))
		}
		slices.Sort(times)
		return times[len(times)*99/100]
	}
	for b.Loop() {
		alone := others()
		ctx, stop := context.WithCancel(b.Context())
		var guesses sync.WaitGroup
		for range 200 {
			guesses.Go(func() {
				for ctx.Err() == nil {
					_, _ = h.Verify(ctx, "passwort", hash)
				}
			})
		}
		beside := others()
		stop()
		guesses.Wait()
		b.ReportMetric(float64(alone.Microseconds()), "alone_p99_us")
		b.ReportMetric(float64(beside.Microseconds()), "beside_p99_us")
		b.ReportMetric(beside.Seconds()/alone.Seconds(), "ratio")
	}
}
