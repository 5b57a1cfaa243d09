package testkit

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// startTimeout bounds the start of a private server on a busy machine.
const startTimeout = 4 * time.Minute

// RedisServer is a private redis-server that a test may stop and start again.
type RedisServer struct {
	URL string // unix://…, as redis.ParseURL reads it

	dir  string
	stop func()
}

// Redis starts a redis-server for this test alone: a few milliseconds.
func Redis(t testing.TB) *RedisServer {
	t.Helper()
	dir, err := serverDir(nil)
	require.NoError(t, err)
	server := &RedisServer{URL: "unix://" + filepath.Join(dir, "redis.sock"), dir: dir}
	server.Start(t)
	t.Cleanup(server.Stop)
	return server
}

// Start brings a stopped server up again, empty, at the same URL.
func (s *RedisServer) Start(t testing.TB) {
	t.Helper()
	require.Nil(t, s.stop, "the Redis server runs already")
	program, err := exec.LookPath("redis-server")
	require.NoError(t, err, "install redis-server (make setup)")
	require.NoError(t, os.MkdirAll(s.dir, 0o700))
	s.stop, err = guard(s.dir, nil, "TERM", program, "--port", "0", "--unixsocket", filepath.Join(s.dir, "redis.sock"),
		"--save", "", "--appendonly", "no", "--dir", s.dir)
	require.NoError(t, err)
	if err := s.await(t.Context()); err != nil {
		s.Stop()
		require.NoError(t, err)
	}
}

// Stop kills the server and waits until it is gone. It may be called again.
func (s *RedisServer) Stop() {
	if s.stop != nil {
		s.stop()
		s.stop = nil
	}
}

func (s *RedisServer) await(ctx context.Context) error {
	options, err := redis.ParseURL(s.URL)
	if err != nil {
		return err
	}
	client := redis.NewClient(options)
	defer client.Close()
	if err := retry(ctx, func() error { return client.Ping(ctx).Err() }); err != nil {
		return fmt.Errorf("await redis-server: %w\n%s", err, logTail(s.dir))
	}
	return nil
}

// retry calls ready until it succeeds or startTimeout is over.
func retry(ctx context.Context, ready func() error) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-ticker.C:
		}
	}
}
