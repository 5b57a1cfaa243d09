package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/telemetryflow/telemetryflow/internal/localstack"
)

func newUpCommand() *cobra.Command {
	var config localstack.Config
	command := &cobra.Command{
		Use:   "up",
		Short: "Run the whole system on this machine",
		Long: `Run the whole system on this machine: the embedded ClickHouse engine, PostgreSQL,
Redis, the collector, an agent that sends this machine's metrics and the
system's own telemetry, and the query server. The first run makes an organization,
a workspace, a tenant and an API key, and prints a link for the first user. Ctrl-C stops everything; the data stays.`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := besideExecutable(&config); err != nil {
				return err
			}
			return localstack.Run(command.Context(), &config, command.ErrOrStderr(), func(summary *localstack.Summary) {
				summary.Print(command.OutOrStdout())
			})
		},
	}
	flags := command.Flags()
	flags.StringVar(&config.DataDir, "data-dir", localstack.DefaultDataDir, "folder that keeps everything")
	flags.StringVar(&config.ConfigDir, "config-dir", "", "folder of standalone.yaml and agent.yaml (default ../config beside this program's folder)")
	flags.StringVar(&config.Libchdb, "libchdb", "", "path of libchdb.so (default TELEMETRYFLOW_LIBCHDB, or ../lib/libchdb.so beside this program's folder)")
	flags.StringVar(&config.Listen, "listen", "127.0.0.1", "IP address of the OTLP ports")
	flags.BoolVar(&config.Insecure, "insecure", false, "allow a --listen address that others reach, without TLS")
	flags.IntVar(&config.GRPCPort, "otlp-grpc-port", localstack.DefaultGRPCPort, "port of OTLP over gRPC")
	flags.IntVar(&config.HTTPPort, "otlp-http-port", localstack.DefaultHTTPPort, "port of OTLP over HTTP")
	flags.IntVar(&config.QueryPort, "query-port", localstack.DefaultQueryPort, "port of the query server, on this machine alone")
	return command
}

// besideExecutable fills in the places that were not named: the programs lie in
// one folder, and config/ and lib/ beside it.
func besideExecutable(config *localstack.Config) error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program's folder: %w", err)
	}
	config.ProgramDir = filepath.Dir(program)
	root := filepath.Dir(config.ProgramDir)
	if config.ConfigDir == "" {
		config.ConfigDir = filepath.Join(root, "config")
	}
	if config.Libchdb == "" {
		config.Libchdb = os.Getenv("TELEMETRYFLOW_LIBCHDB")
	}
	if config.Libchdb == "" {
		config.Libchdb = filepath.Join(root, "lib", "libchdb.so")
	}
	for _, path := range [...]*string{&config.ConfigDir, &config.Libchdb} {
		if *path, err = filepath.Abs(*path); err != nil {
			return fmt.Errorf("resolve %s: %w", *path, err)
		}
	}
	return nil
}
