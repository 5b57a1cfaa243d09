package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/telemetryflow/telemetryflow/internal/deadletter"
)

// deadLetters is what the commands about dead letters share.
type deadLetters struct{ directory string }

func newDeadLetterCommand() *cobra.Command {
	d := &deadLetters{}
	command := &cobra.Command{
		Use:   "deadletter",
		Short: "Look at the rows that ClickHouse would not take, and send them again",
		Long: `Rows that ClickHouse will never take, such as those that violate a constraint, are kept
in letters in a collector's log folder, by default for 48 hours. Remove the cause, and
replay them: each row is stored once, however often that is done. The collector may run.`,
		Args: cobra.NoArgs,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			d.directory = cmp.Or(d.directory, os.Getenv("TELEMETRYFLOW_LOG_DIRECTORY"))
			if d.directory == "" {
				return errors.New("--directory or TELEMETRYFLOW_LOG_DIRECTORY is not set: it is the directory of the collector's write_ahead_log extension")
			}
			return nil
		},
	}
	command.PersistentFlags().StringVar(&d.directory, "directory", "",
		"directory of the collector's write_ahead_log (TELEMETRYFLOW_LOG_DIRECTORY)")
	command.AddCommand(newDeadLetterListCommand(d), newDeadLetterShowCommand(d), newDeadLetterReplayCommand(d), newDeadLetterDropCommand(d))
	return command
}

// found is a letter and where it is.
type found struct {
	folder *deadletter.Folder
	id     string
}

// find returns the letters of the ids, or all of them when there is none.
func (d *deadLetters) find(ids []string) (letters []found, err error) {
	wanted := make(map[string]bool)
	for _, id := range ids {
		wanted[id] = true
	}
	err = filepath.WalkDir(d.directory, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() || entry.Name() != deadletter.FolderName {
			return err
		}
		folder := deadletter.Open(path)
		all, err := folder.List()
		for _, id := range all {
			if len(ids) == 0 || wanted[id] {
				letters = append(letters, found{folder, id})
				delete(wanted, id)
			}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for dead letters in %s: %w", d.directory, err)
	}
	for id := range wanted {
		return nil, fmt.Errorf("there is no dead letter %q in %s; `telemetryflow deadletter list` names those there are", id, d.directory)
	}
	return letters, nil
}

func newDeadLetterListCommand(d *deadLetters) *cobra.Command {
	var output string
	command := &cobra.Command{
		Use:   "list",
		Short: "List the letters: when, rows, table, cause",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := d.find(nil)
			if err != nil {
				return err
			}
			letters := make([]*deadletter.Letter, 0, len(all))
			var unreadable error
			for _, one := range all {
				letter, err := one.folder.Read(one.id)
				if err != nil {
					unreadable = errors.Join(unreadable, err)
					continue
				}
				letters = append(letters, letter)
			}
			if output == "json" {
				return errors.Join(printJSON(cmd.OutOrStdout(), letters), unreadable)
			}
			return errors.Join(printTable(cmd.OutOrStdout(), nil, letters, func(l *deadletter.Letter) []any {
				cause, _, _ := strings.Cut(l.Cause, "\n")
				return []any{l.ID, l.Written, l.Rows, l.Table, cause}
			}), unreadable)
		},
	}
	command.Flags().StringVar(&output, "output", "table", "table or json")
	return command
}

func newDeadLetterShowCommand(d *deadLetters) *cobra.Command {
	return &cobra.Command{
		Use:   "show LETTER…",
		Short: "Print the rows of letters, a JSON object each",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, ids []string) error {
			letters, err := d.find(ids)
			if err != nil {
				return err
			}
			encoder := json.NewEncoder(cmd.OutOrStdout())
			for _, one := range letters {
				letter, err := one.folder.Read(one.id)
				if err != nil {
					return err
				}
				if err := letter.Show(func(row map[string]any) error { return encoder.Encode(readable(row)) }); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
