package testkit_test

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/testkit"
)

// The servers of a test binary that is killed go with it, and their folders.
func TestGuard_Killed(t *testing.T) {
	t.Parallel()
	if os.Getenv("TESTKIT_VICTIM") != "" {
		_, _ = os.Stdout.WriteString("\nVICTIM " + testkit.EmptyPostgres(t).AdminURL + " " + testkit.Redis(t).URL + "\n")
		select {} // until it is killed
	}
	victim := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestGuard_Killed$")
	victim.Env = append(os.Environ(), "TESTKIT_VICTIM=1")
	output, err := victim.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, victim.Start())
	var folders []string
	for lines := bufio.NewScanner(output); len(folders) == 0 && lines.Scan(); {
		if urls, found := strings.CutPrefix(lines.Text(), "VICTIM "); found {
			postgres, redis, _ := strings.Cut(urls, " ")
			_, host, _ := strings.Cut(postgres, "host=%2Ftmp%2F")
			name, _, _ := strings.Cut(host, "&")
			folders = append(folders, "/tmp/"+name, strings.TrimSuffix(strings.TrimPrefix(redis, "unix://"), "/redis.sock"))
		}
	}
	require.Len(t, folders, 2)
	for _, folder := range folders {
		require.DirExists(t, folder)
	}
	require.NoError(t, victim.Process.Kill())
	_ = victim.Wait()
	for _, folder := range folders {
		require.Eventually(t, func() bool { _, err := os.Stat(folder); return os.IsNotExist(err) }, time.Minute, 10*time.Millisecond, folder)
		running, _ := exec.Command("pgrep", "-f", folder).Output()
		require.Empty(t, string(running))
	}
}
