package localstack

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// queryServer returns the query server: config/queryserver.yaml on this machine alone.
func (s *stack) queryServer(data string) Service {
	admin := hostPort(s.state.QueryAdminPort)
	environment := append(os.Environ(),
		"TELEMETRYFLOW_POSTGRES_URL="+s.state.AppURL(),
		"TELEMETRYFLOW_CLICKHOUSE_URL="+s.state.EngineURL(databaseName),
		"TELEMETRYFLOW_REDIS_URL="+s.state.RedisURL(),
		"TELEMETRYFLOW_MASTER_KEY="+s.state.MasterKey,
		"TELEMETRYFLOW_QUERY_LISTEN="+hostPort(s.config.QueryPort),
		"TELEMETRYFLOW_QUERY_ADMIN="+admin,
		"TELEMETRYFLOW_PUBLIC_URL="+s.queryURL(),
	)
	return Service{
		Name: "queryserver",
		Command: func() *exec.Cmd {
			cmd := exec.Command(filepath.Join(s.config.ProgramDir, "telemetryflow"), "queryserver",
				"--config", filepath.Join(s.config.ConfigDir, "queryserver.yaml"))
			cmd.Dir = data
			cmd.Env = environment
			return cmd
		},
		RunAs:        s.programAccount,
		Ready:        func(ctx context.Context) error { return getOK(ctx, "http://"+admin+"/readyz") },
		StartTimeout: 2 * time.Minute,
		StopSignal:   syscall.SIGTERM,
		StopTimeout:  25 * time.Second, // it lets requests finish for 20 s
		OrphanSignal: syscall.SIGKILL,
	}
}

// queryURL is where browsers on this machine find the query server. By this name they
// take secure cookies without TLS.
func (s *stack) queryURL() string { return "http://localhost:" + strconv.Itoa(s.config.QueryPort) }
