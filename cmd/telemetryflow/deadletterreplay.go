package main

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/telemetryflow/telemetryflow/internal/chconn"
	"github.com/telemetryflow/telemetryflow/internal/insertion"
)

// replayTimeout is of one insert.
const replayTimeout = 30 * time.Second

// chosen refuses a command that names neither letters nor --all.
func chosen(ids []string, all bool) error {
	if len(ids) == 0 && !all {
		return errors.New("name letters, or all of them with --all")
	}
	if len(ids) > 0 && all {
		return errors.New("name letters, or --all: not both")
	}
	return nil
}

func newDeadLetterReplayCommand(d *deadLetters) *cobra.Command {
	var all bool
	var clickhouse, quorum string
	command := &cobra.Command{
		Use:   "replay [LETTER…]",
		Short: "Insert the rows of letters again, each once, and remove the letters",
		RunE: func(cmd *cobra.Command, ids []string) error {
			if err := chosen(ids, all); err != nil {
				return err
			}
			clickhouse = cmp.Or(clickhouse, os.Getenv("TELEMETRYFLOW_CLICKHOUSE_URL"))
			if clickhouse == "" {
				return errors.New("--clickhouse-url or TELEMETRYFLOW_CLICKHOUSE_URL is not set")
			}
			letters, err := d.find(ids)
			if err != nil {
				return err
			}
			conn, err := chconn.Open(chconn.Config{
				Endpoint: clickhouse, Timeout: replayTimeout, Connections: 1, Settings: insertion.Settings(replayTimeout, quorum),
			})
			if err != nil {
				return err
			}
			defer func() { _ = conn.Close() }()
			var failed error
			for _, one := range letters {
				letter, err := one.folder.Read(one.id)
				if err == nil {
					err = letter.Replay(cmd.Context(), conn)
				}
				if err == nil {
					err = one.folder.MarkReplayed(one.id)
				}
				if err != nil {
					failed = errors.Join(failed, fmt.Errorf("%s stays: %w", one.id, err))
					continue
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s: %d rows of %s are stored\n", one.id, letter.Rows, letter.Table)
			}
			return failed
		},
	}
	command.Flags().BoolVar(&all, "all", false, "every letter")
	command.Flags().StringVar(&clickhouse, "clickhouse-url", "",
		"ClickHouse, http://user:password@host:8123/database (TELEMETRYFLOW_CLICKHOUSE_URL)")
	command.Flags().StringVar(&quorum, "insert-quorum", "", "ClickHouse's insert_quorum; auto for replicated tables")
	return command
}

func newDeadLetterDropCommand(d *deadLetters) *cobra.Command {
	var all bool
	command := &cobra.Command{
		Use:   "drop [LETTER…]",
		Short: "Remove letters and their rows for good",
		RunE: func(cmd *cobra.Command, ids []string) error {
			if err := chosen(ids, all); err != nil {
				return err
			}
			letters, err := d.find(ids)
			if err != nil {
				return err
			}
			for _, one := range letters {
				if err := one.folder.Drop(one.id); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s: dropped\n", one.id)
			}
			return nil
		},
	}
	command.Flags().BoolVar(&all, "all", false, "every letter")
	return command
}

// readable writes ids as hexadecimal digits, and numbers that JSON has not as text.
func readable(row map[string]any) map[string]any {
	for name, value := range row {
		switch v := value.(type) {
		case string:
			if strings.HasSuffix(name, "_id") {
				row[name] = hex.EncodeToString([]byte(v))
			}
		case float64:
			if math.IsNaN(v) || math.IsInf(v, 0) {
				row[name] = fmt.Sprint(v)
			}
		}
	}
	return row
}
