package jwt

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"sync"
	"testing"
	"time"

	library "github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

func TestSettings_Validate(t *testing.T) {
	t.Parallel()
	good := DefaultSettings()
	require.ErrorContains(t, good.Validate(), "issuer:", "the default lacks it")
	good.Issuer = "https://flow.example.com"
	require.NoError(t, good.Validate())
	for key, change := range map[string]func(*Settings){
		"audience:":            func(s *Settings) { s.Audience = "" },
		"lifetime:":            func(s *Settings) { s.Lifetime = 11 * time.Minute },
		"leeway:":              func(s *Settings) { s.Leeway = 61 * time.Second },
		"max_verified:":        func(s *Settings) { s.MaxVerified = -1 },
		"keys.refresh_every:":  func(s *Settings) { s.Keys.RefreshEvery = 0 },
		"keys.publish_before:": func(s *Settings) { s.Keys.PublishBefore = time.Minute },
		"keys.keep_after:":     func(s *Settings) { s.Keys.KeepAfter = s.Lifetime },
		"keys.rotate_every:":   func(s *Settings) { s.Keys.RotateEvery = time.Hour },
	} {
		settings := good
		change(&settings)
		require.ErrorContains(t, settings.Validate(), key)
		_, err := NewRing(t.Context(), &memoryStore{}, newSealer(t), settings, slog.New(slog.DiscardHandler))
		require.Error(t, err, key)
	}
}

func TestSchedule_Plan(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	s := Schedule{RotateEvery: 30 * day, PublishBefore: time.Hour, KeepAfter: time.Hour, RefreshEvery: time.Minute}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	key := func(id string, at time.Duration) queryserver.SigningKey {
		return queryserver.SigningKey{ID: id, UseFrom: start.Add(at)}
	}
	a, b, c := key("a", 0), key("b", 30*day), key("c", 60*day)
	for name, test := range map[string]struct {
		keys    []queryserver.SigningKey
		at      time.Duration
		signing string
		verify  []string
		expired []string
		due     time.Duration // when a new key is to be used; 0: none is due
	}{
		"first day":            {[]queryserver.SigningKey{a}, 0, "a", []string{"a"}, nil, 0},
		"just before":          {[]queryserver.SigningKey{a}, 30*day - time.Hour - 1, "a", []string{"a"}, nil, 0},
		"to publish":           {[]queryserver.SigningKey{a}, 30*day - time.Hour, "a", []string{"a"}, nil, 30 * day},
		"published":            {[]queryserver.SigningKey{b, a}, 30*day - time.Minute, "a", []string{"a", "b"}, nil, 0},
		"changed":              {[]queryserver.SigningKey{b, a}, 30 * day, "b", []string{"a", "b"}, nil, 0},
		"kept":                 {[]queryserver.SigningKey{a, b}, 30*day + time.Hour - 1, "b", []string{"a", "b"}, nil, 0},
		"expired":              {[]queryserver.SigningKey{a, b}, 30*day + time.Hour, "b", []string{"b"}, []string{"a"}, 0},
		"published late":       {[]queryserver.SigningKey{a}, 30*day - time.Minute, "a", []string{"a"}, nil, 30*day - time.Minute + time.Hour},
		"after a long stop":    {[]queryserver.SigningKey{a}, 300 * day, "a", []string{"a"}, nil, 300*day + time.Hour},
		"three at once":        {[]queryserver.SigningKey{c, a, b}, 60 * day, "c", []string{"b", "c"}, []string{"a"}, 0},
		"clock behind":         {[]queryserver.SigningKey{a}, -day, "a", []string{"a"}, nil, 0},
		"clock behind, sorted": {[]queryserver.SigningKey{c, b, a}, -day, "a", []string{"a", "b", "c"}, nil, 0},
	} {
		plan := s.Plan(test.keys, start.Add(test.at))
		require.Equal(t, test.signing, plan.Signing, name)
		var verify []string
		for _, key := range plan.Keys {
			verify = append(verify, key.ID)
		}
		require.Equal(t, test.verify, verify, name)
		require.Equal(t, test.expired, plan.Expired, name)
		require.Equal(t, test.due != 0, plan.Due, name)
		if plan.Due {
			require.Equal(t, start.Add(test.due), plan.UseFrom, name)
			require.Equal(t, test.keys[len(test.keys)-1].ID, plan.Previous, name)
		}
	}
	none := s.Plan(nil, start)
	require.Equal(t, Plan{Due: true, UseFrom: start.Add(-time.Minute)}, none)
}

// A year, minute by minute for the hours around each change: no token that is still in
// its life is refused, and the key of a token was in the set for an hour before.
func TestRing_RotatesWithoutRefusingAToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	other := w.server(t)
	others := New(other)
	published := make(map[string]time.Time)
	signers := make(map[string]bool)
	var last string
	for w.clock.now().Before(time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)) {
		if err := w.ring.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		require.NoError(t, other.Refresh(t.Context()))
		for _, key := range other.KeySet().Keys {
			if _, known := published[key.ID]; !known {
				published[key.ID] = w.clock.now()
			}
		}
		if last != "" {
			_, err := others.Verify(last)
			require.NoError(t, err, "at %s", w.clock.now())
		}
		text, _ := w.issue(t)
		_, err := others.Verify(text)
		require.NoError(t, err)
		signer := w.ours(t)
		if !signers[signer.ID] && len(signers) > 0 {
			require.GreaterOrEqual(t, w.clock.now().Sub(published[signer.ID]), 59*time.Minute)
		}
		signers[signer.ID] = true
		last = text
		w.clock.advance(4 * time.Minute)
		if change := signer.UseFrom.Add(w.settings.Keys.RotateEvery); w.clock.now().Before(change.Add(-2 * time.Hour)) {
			w.clock.nanos.Store(change.Add(-2 * time.Hour).UnixNano()) // nothing happens until then
			last = ""
		}
	}
	require.Len(t, signers, 4, "one each 30 days")
	require.LessOrEqual(t, len(w.store.keys), 2, "expired keys are deleted")
}

func TestRing_OldKeyVerifiesUntilItsTokensHaveExpired(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	key := w.ours(t)
	old, _ := w.issue(t)
	p := takeApart(t, old)
	forge := func() string { // who has got hold of the old key, long after
		now := w.clock.now().Unix()
		p.body["iat"], p.body["nbf"], p.body["exp"] = now, now, now+300
		return p.sign(t, library.SigningMethodEdDSA, key.private)
	}
	_, err := w.tokens.Verify(forge())
	require.NoError(t, err)
	w.clock.nanos.Store(key.UseFrom.Add(30*24*time.Hour - time.Minute).UnixNano())
	require.NoError(t, w.ring.Refresh(t.Context()))
	w.clock.advance(time.Hour + time.Minute)
	require.NotEqual(t, key.ID, w.ours(t).ID, "changed on time without a refresh")
	_, err = w.tokens.Verify(forge())
	require.NoError(t, err)
	w.clock.advance(time.Hour)
	refuse(t, w.tokens, forge(), "after KeepAfter, also without a refresh")
	require.NoError(t, w.ring.Refresh(t.Context()))
	require.Len(t, w.store.keys, 1)
}

func TestRing_ServersStartAtOnceWithOneKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.store.keys = nil
	rings := make([]*Ring, 10)
	var servers sync.WaitGroup
	for i := range rings {
		servers.Go(func() {
			ring, err := NewRing(context.Background(), w.store, w.sealer, w.settings, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Error(err)
			}
			rings[i] = ring
		})
	}
	servers.Wait()
	require.Len(t, w.store.keys, 1)
	text, _, err := New(rings[0]).Issue(someClaims())
	require.NoError(t, err)
	for _, ring := range rings {
		_, err := New(ring).Verify(text)
		require.NoError(t, err)
	}
}

func TestASVS13_3_4_ReplaceEndsAllTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	other := w.server(t)
	text, _ := w.issue(t)
	_, err := w.tokens.Verify(text)
	require.NoError(t, err, "it is remembered now")
	require.NoError(t, w.ring.Replace(t.Context()))
	refuse(t, w.tokens, text, "its key is gone")
	_, err = New(other).Verify(text)
	require.NoError(t, err, "until it looks")
	require.NoError(t, other.Refresh(t.Context()))
	refuse(t, New(other), text, "everywhere")
	fresh, _ := w.issue(t)
	_, err = New(other).Verify(fresh)
	require.NoError(t, err)
	require.Len(t, w.store.keys, 1)
}

func TestASVS16_5_2_StoreDownKeepsTheKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	text, _ := w.issue(t)
	w.store.down.Store(true)
	require.ErrorIs(t, w.ring.Refresh(t.Context()), errDown)
	_, err := w.tokens.Verify(text)
	require.NoError(t, err)
	w.issue(t)
	require.ErrorIs(t, w.ring.Replace(t.Context()), errDown)
	_, err = NewRing(t.Context(), w.store, w.sealer, w.settings, slog.New(slog.DiscardHandler))
	require.ErrorIs(t, err, errDown, "a server without keys does not start")
}

func TestASVS13_3_1_PrivateKeysAreSealed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	key := w.ours(t)
	stored := w.store.keys[0]
	require.Regexp(t, `^tfsealed1:a:`, stored.Sealed)
	require.NotContains(t, stored.Sealed, base64.RawURLEncoding.EncodeToString(key.private.Seed()))
	set, err := json.Marshal(w.ring.KeySet())
	require.NoError(t, err)
	require.NotContains(t, string(set), `"d"`)
	require.NotContains(t, string(set), base64.RawURLEncoding.EncodeToString(key.private.Seed()))
}

// Who can write to the database must not be able to sign tokens.
func TestRing_RefusesKeysThatAreNotSealedByUs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	good := w.store.keys[0]
	theirs, err := makeKey(newSealer(t), w.clock.now().Add(-time.Hour), "x")
	require.NoError(t, err)
	another, err := makeKey(w.sealer, w.clock.now(), "y")
	require.NoError(t, err)
	for name, planted := range map[string]queryserver.SigningKey{
		"of another master key": theirs,
		"in clear":              {ID: theirs.ID, Sealed: base64.StdEncoding.EncodeToString(make([]byte, 32)), UseFrom: theirs.UseFrom},
		"moved":                 {ID: theirs.ID, Sealed: good.Sealed, UseFrom: theirs.UseFrom},
		"not of its id":         {ID: another.ID, Sealed: w.sealer.Seal(make([]byte, 32), SealedIn(another.ID)), UseFrom: theirs.UseFrom},
		"short":                 {ID: another.ID, Sealed: w.sealer.Seal(nil, SealedIn(another.ID)), UseFrom: theirs.UseFrom},
	} {
		w.store.keys = []queryserver.SigningKey{good, planted}
		require.ErrorContains(t, w.ring.Refresh(t.Context()), planted.ID, name)
		require.Len(t, w.ring.KeySet().Keys, 1, name)
		require.Equal(t, good.ID, w.ours(t).ID, name)
	}
}

// RFC 8037, appendix A: the public key of A.2 and its thumbprint of A.3.
func TestKeySet_RFC8037(t *testing.T) {
	t.Parallel()
	public, err := base64.RawURLEncoding.DecodeString("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
	require.NoError(t, err)
	require.Equal(t, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", thumbprint(public))
	w := newWorld(t, nil)
	key := w.ours(t)
	set, err := json.Marshal(w.ring.KeySet())
	require.NoError(t, err)
	require.JSONEq(t, `{"keys":[{"kty":"OKP","crv":"Ed25519","use":"sig","alg":"EdDSA","kid":"`+key.ID+`","x":"`+
		base64.RawURLEncoding.EncodeToString(key.public)+`"}]}`, string(set))
}

func TestRing_Run(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *Settings) { s.Keys.RefreshEvery = time.Second })
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { w.ring.Run(ctx) })
	text, _ := w.issue(t)
	w.store.mu.Lock()
	w.store.keys = nil // by the command of an operator, on another machine
	w.store.mu.Unlock()
	require.Eventually(t, func() bool { _, err := w.tokens.Verify(text); return err != nil }, time.Minute, 10*time.Millisecond)
	stop()
	running.Wait()
}
