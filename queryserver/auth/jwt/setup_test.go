package jwt

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/seal"
)

// memoryStore does what the contract of Store says, for servers of one process.
type memoryStore struct {
	mu   sync.Mutex
	keys []queryserver.SigningKey
	down atomic.Bool
}

var errDown = errors.New("the store is down")

func (s *memoryStore) Keys(context.Context) ([]queryserver.SigningKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down.Load() {
		return nil, errDown
	}
	return slices.Clone(s.keys), nil
}

func (s *memoryStore) Add(_ context.Context, key queryserver.SigningKey) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down.Load() {
		return errDown
	}
	if !slices.ContainsFunc(s.keys, func(k queryserver.SigningKey) bool { return k.Previous == key.Previous }) {
		s.keys = append(s.keys, key)
	}
	return nil
}

func (s *memoryStore) Delete(_ context.Context, ids []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down.Load() {
		return errDown
	}
	s.keys = slices.DeleteFunc(s.keys, func(k queryserver.SigningKey) bool { return slices.Contains(ids, k.ID) })
	return nil
}

// clock is moved by the test.
type clock struct{ nanos atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.nanos.Store(time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.nanos.Load()) }
func (c *clock) advance(d time.Duration) { c.nanos.Add(int64(d)) }

func newSealer(t testing.TB) *seal.Sealer {
	t.Helper()
	random := make([]byte, 32)
	_, _ = rand.Read(random)
	sealer, err := seal.New(seal.Settings{Keys: []seal.KeySettings{{ID: "a", Key: configopaque.String(base64.StdEncoding.EncodeToString(random))}}})
	require.NoError(t, err)
	return sealer
}

// world is a server with its store and clock.
type world struct {
	store    *memoryStore
	sealer   *seal.Sealer
	clock    *clock
	settings Settings
	ring     *Ring
	tokens   *Tokens
}

func newWorld(t testing.TB, change func(*Settings)) *world {
	t.Helper()
	w := &world{store: &memoryStore{}, sealer: newSealer(t), clock: newClock(), settings: DefaultSettings()}
	w.settings.Issuer = "https://flow.example.com"
	w.settings.Now = w.clock.now
	if change != nil {
		change(&w.settings)
	}
	w.ring = w.server(t)
	w.tokens = New(w.ring)
	return w
}

// server is another one with the same store.
func (w *world) server(t testing.TB) *Ring {
	t.Helper()
	ring, err := NewRing(context.Background(), w.store, w.sealer, w.settings, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	return ring
}

func newID() tenant.ID {
	var id tenant.ID
	_, _ = rand.Read(id[:])
	return id
}

func someClaims() Claims {
	return Claims{Subject: newID(), Session: newID(), Organization: newID(), Workspace: newID(), Tenant: newID()}
}

func (w *world) issue(t testing.TB) (string, Claims) {
	t.Helper()
	text, claims, err := w.tokens.Issue(someClaims())
	require.NoError(t, err)
	return text, claims
}

func refuse(t testing.TB, tokens *Tokens, text, why string) {
	t.Helper()
	claims, err := tokens.Verify(text)
	require.Error(t, err, why)
	require.Zero(t, claims, why)
	var refused *queryserver.Error
	require.ErrorAs(t, err, &refused, why)
	require.Equal(t, queryserver.Unauthenticated, refused.Code, why)
	require.Equal(t, "the access token is not valid", refused.Message, "the answer does not say why")
}
