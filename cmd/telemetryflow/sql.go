package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/telemetryflow/telemetryflow/internal/localstack"
)

func newSQLCommand() *cobra.Command {
	var dataDir, format string
	command := &cobra.Command{
		Use:   "sql QUERY",
		Short: "Ask the engine of the local stack, as its administrator",
		Long: `Ask the embedded engine that "telemetryflow up" runs on this machine. This is an
administrator's tool: it sees the rows of all tenants and may change them.`,
		Example: `  telemetryflow sql "SELECT timestamp, severity_text, body FROM logs_v3 ORDER BY timestamp DESC LIMIT 10"`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(command *cobra.Command, words []string) error {
			state, err := localstack.LoadState(dataDir)
			if err != nil {
				return err
			}
			return state.Query(command.Context(), strings.Join(words, " "), format, command.OutOrStdout())
		},
	}
	command.Flags().StringVar(&dataDir, "data-dir", localstack.DefaultDataDir, "folder of the stack")
	command.Flags().StringVar(&format, "format", "PrettyCompactMonoBlock", "ClickHouse output format, when the query names none")
	return command
}
