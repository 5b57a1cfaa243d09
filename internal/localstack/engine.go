package localstack

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// engine returns the embedded ClickHouse: this program's own `engine` command,
// in a process of its own.
func (s *stack) engine(data string) Service {
	return Service{
		Name:  "engine",
		RunAs: s.programAccount,
		Command: func() *exec.Cmd {
			cmd := exec.Command(filepath.Join(s.config.ProgramDir, "telemetryflow"), "engine",
				"--listen", hostPort(s.state.EnginePort), "--data-dir", filepath.Join(data, "data"), "--libchdb", s.config.Libchdb, "--user", engineUser)
			cmd.Dir = data
			cmd.Env = append(os.Environ(), "TELEMETRYFLOW_ENGINE_PASSWORD="+s.state.EnginePassword)
			return cmd
		},
		Ready: func(ctx context.Context) error {
			return getOK(ctx, "http://"+hostPort(s.state.EnginePort)+"/ping")
		},
		StartTimeout: 3 * time.Minute, // loading of many parts
		StopSignal:   syscall.SIGTERM,
		StopTimeout:  25 * time.Second, // it lets statements finish for 20 s
		OrphanSignal: syscall.SIGKILL,
	}
}
