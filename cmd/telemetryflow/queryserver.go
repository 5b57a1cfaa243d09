package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"
)

// programVersion is that of builder-config.yaml.
const programVersion = "0.1.0"

func newQueryServerCommand() *cobra.Command {
	var file string
	command := &cobra.Command{
		Use:   "queryserver",
		Short: "Serve logins and queries over HTTP",
		Long: `Serve the HTTP API: logins, users, roles and API keys of organizations. Its
description is at /openapi.json, and to be read at /docs. SIGTERM stops it
gracefully.`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return runQueryServer(command.Context(), file, command.OutOrStdout())
		},
	}
	command.Flags().StringVar(&file, "config", "config/queryserver.yaml", "configuration, in which ${env:NAME} stands for the environment")
	return command
}

// heapGrowth is how much the heap grows, in percent, before it is collected. A hash of a
// password leaves 19 MiB behind: at Go's 100 every second one would have the collector run,
// beside the requests of everybody else. The heap then stays around 200 MiB.
const heapGrowth = 400

// calmCollector obeys GOGC, when the operator has set it.
func calmCollector() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(heapGrowth)
	}
}

// runQueryServer serves until the context ends or a listener fails.
func runQueryServer(ctx context.Context, file string, out io.Writer) error {
	config, err := loadQueryServerConfig(ctx, file)
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: config.Log.Level}))
	redis.SetLogger(redisLog{logger})
	server, err := newQueryServer(ctx, config, logger)
	if err != nil {
		return err
	}
	defer server.close(ctx)
	calmCollector()
	if err := server.start(ctx); err != nil {
		return err
	}
	link, err := server.logins.OfferSetup(ctx)
	if err != nil {
		return err
	}
	if link != "" {
		fmt.Fprintf(out, "Nobody can log in yet. Make the first user, once:\n\n  %s\n\n", link)
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-server.http.Failed():
		return err
	}
}

// redisLog takes what the client of Redis says by itself into the log of the program. An
// outage of Redis is logged by who notices it, once, so this is for looking closely.
type redisLog struct{ logger *slog.Logger }

// Printf is that of the client's logger.
func (l redisLog) Printf(ctx context.Context, format string, arguments ...any) {
	l.logger.DebugContext(ctx, "The client of Redis says something.", slog.String("text", fmt.Sprintf(format, arguments...)))
}
