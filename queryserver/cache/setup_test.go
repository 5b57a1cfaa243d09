package cache_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/metric/noop"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
	"github.com/telemetryflow/telemetryflow/queryserver/cache"
)

// patience is how long a test waits for what should come at once.
const patience = time.Minute

var (
	acme  = tenant.ID{1}
	other = tenant.ID{2}
)

type user struct {
	Organization tenant.ID
	Name         string
}

// world is a Redis and the settings of caches that share it.
type world struct {
	server   *testkit.RedisServer
	client   *redis.Client // the test's own
	settings cache.Settings
}

func setup(t testing.TB) *world {
	t.Helper()
	w := &world{server: testkit.Redis(t), settings: cache.DefaultSettings()}
	w.settings.Secret = make(cache.Secret, 32)
	_, _ = rand.Read(w.settings.Secret)
	w.settings.RedisTimeout = 10 * time.Second // a busy machine must not look like a Redis that hangs
	w.client = redis.NewClient(w.options(t))
	t.Cleanup(func() { _ = w.client.Close() })
	return w
}

func (w *world) options(t testing.TB) *redis.Options {
	t.Helper()
	options, err := redis.ParseURL(w.server.URL)
	require.NoError(t, err)
	return options
}

// instance is one server's cache.
type instance struct {
	*cache.Cache
	users *cache.View[user]
	boxes *cache.View[user] // of any owner that Get names, and not from PostgreSQL
}

// instance starts one more server.
func (w *world) instance(t testing.TB, change ...func(*cache.Settings)) *instance {
	t.Helper()
	settings := w.settings
	for _, c := range change {
		c(&settings)
	}
	return build(t, settings, w.options(t))
}

func build(t testing.TB, settings cache.Settings, options *redis.Options) *instance {
	t.Helper()
	c, err := cache.New(settings, options, slog.New(slog.DiscardHandler), noop.Meter{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	i := &instance{Cache: c}
	i.users = cache.Of(c, cache.Kind[user]{
		Name: "user", L1: 5 * time.Minute, L2: 30 * time.Minute, Independent: true,
		Owner: func(u user) tenant.ID { return u.Organization },
	})
	i.boxes = cache.Of(c, cache.Kind[user]{Name: "box", L1: 5 * time.Minute, L2: time.Hour, Independent: true})
	return i
}

// named is a load.
func named(name string) func(context.Context) (user, error) {
	return func(context.Context) (user, error) { return user{Organization: acme, Name: name}, nil }
}

// get reads user 42.
func (i *instance) get(t testing.TB, load func(context.Context) (user, error)) (string, cache.Origin) {
	t.Helper()
	u, origin, err := i.users.Get(t.Context(), acme, "42", load)
	require.NoError(t, err)
	return u.Name, origin
}

// ask reads user 42 elsewhere, and gives its name or the error.
func (i *instance) ask(ctx context.Context, load func(context.Context) (user, error)) <-chan string {
	got := make(chan string, 1)
	go func() {
		u, _, err := i.users.Get(ctx, acme, "42", load)
		if err != nil {
			u.Name = err.Error()
		}
		got <- u.Name
	}()
	return got
}

// want reads user 42 and compares.
func (i *instance) want(t testing.TB, name string, origin cache.Origin, load string) {
	t.Helper()
	got, from := i.get(t, named(load))
	require.Equal(t, name, got)
	require.Equal(t, origin.String(), from.String())
}

func (i *instance) rejected(reason string) int64 { return i.Stats().Kinds["user"].Rejected[reason] }

// hand is a clock that a test moves.
type hand struct{ ahead atomic.Int64 }

func (h *hand) now() time.Time         { return time.Now().Add(time.Duration(h.ahead.Load())) }
func (h *hand) move(by time.Duration)  { h.ahead.Add(int64(by)) }
func (h *hand) use(s *cache.Settings)  { s.Now = h.now }
func (w *world) key(key string) string { return w.settings.KeyPrefix + key }

// process is the server's, to stop and continue it.
func (w *world) process(t testing.TB) int {
	t.Helper()
	info, err := w.client.InfoMap(t.Context(), "server").Result()
	require.NoError(t, err)
	pid, err := strconv.Atoi(info["Server"]["process_id"])
	require.NoError(t, err)
	// The id is one of our own children's, not of anything else on the machine.
	line, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(line), "redis-server") || strings.Contains(string(line), "/redis-server"))
	return pid
}

// freeze stops the server as a whole, and gives what lets it go on.
func (w *world) freeze(t testing.TB) (thaw func()) {
	t.Helper()
	pid := w.process(t)
	require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
	thaw = func() { _ = syscall.Kill(pid, syscall.SIGCONT) }
	t.Cleanup(thaw)
	return thaw
}
