package localstack

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// lockedBuilder can be read while programs still write.
type lockedBuilder struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *lockedBuilder) Write(data []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(data)
}

func (b *lockedBuilder) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func TestOutput_Stream(t *testing.T) {
	t.Parallel()
	t.Run("Lines", func(t *testing.T) {
		t.Parallel()
		var terminal strings.Builder
		out, err := newOutput(&terminal, t.TempDir())
		require.NoError(t, err)
		defer out.close()
		stream := out.stream("redis")
		for _, part := range []string{"one\ntw", "o\n", "thr"} {
			n, err := io.WriteString(stream, part)
			require.NoError(t, err)
			require.Equal(t, len(part), n)
		}
		require.Equal(t, "redis     | one\nredis     | two\n", terminal.String())
	})
	t.Run("LineWithoutEnd", func(t *testing.T) {
		t.Parallel()
		out, err := newOutput(io.Discard, t.TempDir())
		require.NoError(t, err)
		defer out.close()
		s := &stream{output: out, name: "redis"}
		for range 10 * maxLogLine / 1000 {
			_, err := s.Write(bytes.Repeat([]byte("x"), 1000))
			require.NoError(t, err)
			require.LessOrEqual(t, len(s.pending), maxLogLine)
		}
	})
	t.Run("Bounded", func(t *testing.T) {
		t.Parallel()
		folder := t.TempDir()
		out, err := newOutput(io.Discard, folder)
		require.NoError(t, err)
		defer out.close()
		stream := out.stream("redis")
		line := append(bytes.Repeat([]byte("x"), 1<<20-1), '\n')
		for range 25 {
			_, err := stream.Write(line)
			require.NoError(t, err)
		}
		files, err := filepath.Glob(filepath.Join(folder, "*"))
		require.NoError(t, err)
		require.Equal(t, []string{filepath.Join(folder, "redis.log"), filepath.Join(folder, "redis.log.1")}, files)
		for _, file := range files {
			info, err := os.Stat(file)
			require.NoError(t, err)
			require.LessOrEqual(t, info.Size(), int64(maxLogFile))
			require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
		}
	})
	t.Run("NoFile", func(t *testing.T) {
		t.Parallel()
		var terminal strings.Builder
		folder := filepath.Join(t.TempDir(), "logs")
		out, err := newOutput(&terminal, folder)
		require.NoError(t, err)
		require.NoError(t, os.Remove(folder))
		_, err = io.WriteString(out.stream("redis"), "line\n")
		require.NoError(t, err)
		require.Equal(t, "redis     | line\n", terminal.String())
	})
}
