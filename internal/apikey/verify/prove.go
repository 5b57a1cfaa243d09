package verify

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
)

// attempt is a secret that does not have a hash. Hashes are salted, so that a
// hash also names its key.
type attempt struct {
	hash string
	mac  mac
}

// flightID names a verification. Callers with the same secret share it; others
// do not learn its result.
type flightID struct {
	id  apikey.ID
	mac mac
}

type flight struct {
	done  chan struct{}
	state *state
	err   error
}

// prove asks Argon2, which takes turns: one run per key, a few in all.
func (e *Engine) prove(ctx context.Context, k *key, m mac, secret string, now time.Time) (*state, error) {
	if s := k.state.Load(); e.refuted(s, m, now) {
		e.Stats.NegativeHits.Add(1)
		return nil, apikey.ErrUnauthenticated
	}
	f := e.startFlight(k, m, secret) //nolint:contextcheck // others wait for it as well: it lives as long as the engine
	if f == nil {
		return nil, apikey.ErrUnavailable
	}
	select {
	case <-f.done:
		return f.state, f.err
	case <-ctx.Done():
		return nil, apikey.ErrUnavailable
	}
}

// refuted reports whether the secret is known to have none of the unproven hashes.
func (e *Engine) refuted(s *state, m mac, now time.Time) bool {
	for i, hash := range [2]string{s.record.Hash, s.previousHash(now)} {
		if hash != "" && s.proofs[i].hash != hash && !e.wrong.has(attempt{hash: hash, mac: m}, now) {
			return false
		}
	}
	return true
}

// startFlight joins or starts a verification. It is nil when too many wait.
func (e *Engine) startFlight(k *key, m mac, secret string) *flight {
	id := flightID{id: k.id, mac: m}
	e.mu.Lock()
	defer e.mu.Unlock()
	if f := e.flights[id]; f != nil {
		return f
	}
	if len(e.flights) >= maxFlights || k.flights.Load() >= maxFlightsPerKey || e.lifetime.Err() != nil {
		return nil
	}
	f := &flight{done: make(chan struct{})}
	e.flights[id] = f
	k.flights.Add(1)
	e.running.Go(func() { e.fly(f, id, k, secret) })
	return f
}

// fly runs a verification in its turn. After a wrong secret the key's turn rests
// for as long as Argon2 took, so that who knows a key's id and no more gets half
// of one processor at most, and other keys do not wait for him meanwhile.
func (e *Engine) fly(f *flight, id flightID, k *key, secret string) {
	ctx, cancel := context.WithTimeout(e.lifetime, e.settings.VerifyTimeout)
	defer cancel()
	var spent time.Duration
	if f.err = apikey.ErrUnavailable; take(ctx, k.slot) {
		defer func() { <-k.slot }()
		if take(ctx, e.argon2) {
			f.state, spent, f.err = e.verify(k, id.mac, secret)
			<-e.argon2
		}
	}
	e.mu.Lock()
	delete(e.flights, id)
	k.flights.Add(-1)
	e.mu.Unlock()
	close(f.done)
	if f.err != nil {
		pause(e.lifetime, spent)
	}
}

func take(ctx context.Context, turn chan struct{}) bool {
	select {
	case turn <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// pause returns after a time, or when the context ends.
func pause(ctx context.Context, length time.Duration) {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// verify judges anew, for the verification before it may have brought the proof,
// and says how long it took.
func (e *Engine) verify(k *key, m mac, secret string) (proven *state, spent time.Duration, err error) {
	now := time.Now()
	s := k.state.Load()
	switch {
	case !s.record.Live(now):
		return nil, 0, apikey.ErrUnauthenticated
	case s.judge(&m, now) == right:
		return s, 0, nil
	case s.judge(&m, now) == wrong:
		return nil, 0, apikey.ErrUnauthenticated
	}
	for i, hash := range [2]string{s.record.Hash, s.previousHash(now)} {
		if hash == "" || s.proofs[i].hash == hash || e.wrong.has(attempt{hash: hash, mac: m}, now) {
			continue
		}
		if e.matches(k, secret, hash) {
			proven, err = k.learn(hash, m, now)
			return proven, time.Since(now), err
		}
		e.wrong.add(attempt{hash: hash, mac: m}, now)
	}
	return nil, time.Since(now), apikey.ErrUnauthenticated
}

func (e *Engine) matches(k *key, secret, hash string) bool {
	running := e.Stats.Argon2Running.Add(1)
	defer e.Stats.Argon2Running.Add(-1)
	for peak := e.Stats.Argon2Peak.Load(); running > peak && !e.Stats.Argon2Peak.CompareAndSwap(peak, running); {
		peak = e.Stats.Argon2Peak.Load()
	}
	matches, err := apikey.Matches(secret, hash)
	if err != nil {
		e.logger.Error("The hash of an API key cannot be used; rotate the key.", zap.String("key_id", k.text), zap.Error(err))
	}
	if matches {
		e.Stats.Argon2Right.Add(1)
	} else {
		e.Stats.Argon2Wrong.Add(1)
	}
	return matches
}

// learn keeps a proof, if the key still has the hash, and judges by what the key
// is now.
func (k *key) learn(hash string, m mac, now time.Time) (*state, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	next := k.state.Load().proven(hash, m)
	k.state.Store(next)
	if !next.record.Live(now) || next.judge(&m, now) != right {
		return nil, apikey.ErrUnauthenticated
	}
	return next, nil
}
