package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/telemetryflow/telemetryflow/internal/migrate"
)

// The passwords of the roles come by environment only: arguments are public.
const (
	appPasswordVariable    = "TELEMETRYFLOW_APP_PASSWORD"
	ingestPasswordVariable = "TELEMETRYFLOW_INGEST_PASSWORD"
)

// migrateFlags says which databases a run is about.
type migrateFlags struct {
	postgres, clickhouse, only, cluster string
}

func newMigrateCommand() *cobra.Command {
	var flags migrateFlags
	command := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the schemas of PostgreSQL and ClickHouse to a version",
		Args:  cobra.NoArgs,
		// The environment is no default of the flags: help would print its secrets.
		PersistentPreRun: func(*cobra.Command, []string) {
			flags.postgres = cmp.Or(flags.postgres, os.Getenv("TELEMETRYFLOW_POSTGRES_URL"))
			flags.clickhouse = cmp.Or(flags.clickhouse, os.Getenv("TELEMETRYFLOW_CLICKHOUSE_URL"))
		},
	}
	set := command.PersistentFlags()
	set.StringVar(&flags.postgres, "postgres-url", "",
		"PostgreSQL as telemetryflow_owner or an administrator (TELEMETRYFLOW_POSTGRES_URL)")
	set.StringVar(&flags.clickhouse, "clickhouse-url", "",
		"ClickHouse, http://user:password@host:8123/database (TELEMETRYFLOW_CLICKHOUSE_URL)")
	set.StringVar(&flags.only, "only", "", "postgres or clickhouse, to leave the other alone")
	set.StringVar(&flags.cluster, "cluster", "", "the ClickHouse cluster on whose servers to make everything")
	command.AddCommand(newMigrateUpCommand(&flags), newMigrateDownCommand(&flags), newMigrateStatusCommand(&flags))
	return command
}

func newMigrateUpCommand(flags *migrateFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "up",
		Short: "Apply every migration that is missing",
		Long: "Apply every migration that is missing. Where the environment has " + appPasswordVariable + " or\n" +
			ingestPasswordVariable + ", the role telemetryflow_app or telemetryflow_ingest gets that password.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return flags.each(cmd.Context(), func(database *migrate.Database) error {
				steps, err := database.Up(cmd.Context())
				printSteps(cmd.OutOrStdout(), database.Name(), steps)
				if err != nil || database.Name() != "PostgreSQL" {
					return err
				}
				return setPasswords(cmd.Context(), flags.postgres)
			})
		},
	}
}

func setPasswords(ctx context.Context, url string) error {
	for role, variable := range map[string]string{
		migrate.AppRole:    appPasswordVariable,
		migrate.IngestRole: ingestPasswordVariable,
	} {
		if password := os.Getenv(variable); password != "" {
			if err := migrate.SetPassword(ctx, url, role, password); err != nil {
				return err
			}
		}
	}
	return nil
}

func newMigrateDownCommand(flags *migrateFlags) *cobra.Command {
	var to int64
	command := &cobra.Command{
		Use:   "down",
		Short: "Take the newest migration back, or all above --to; their data are lost",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if flags.only == "" {
				return errors.New("--only: name the database to take migrations back from, postgres or clickhouse")
			}
			return flags.each(cmd.Context(), func(database *migrate.Database) error {
				down := database.Down
				if cmd.Flags().Changed("to") {
					down = func(ctx context.Context) ([]migrate.Step, error) { return database.DownTo(ctx, to) }
				}
				steps, err := down(cmd.Context())
				printSteps(cmd.OutOrStdout(), database.Name(), steps)
				return err
			})
		},
	}
	command.Flags().Int64Var(&to, "to", 0, "the version to go back to; 0 is an empty database")
	return command
}

func newMigrateStatusCommand(flags *migrateFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "List the migrations and when each was applied",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return flags.each(cmd.Context(), func(database *migrate.Database) error {
				steps, err := database.Status(cmd.Context())
				if err != nil {
					return err
				}
				return printStatus(cmd.OutOrStdout(), database.Name(), steps)
			})
		},
	}
}

// each opens the chosen databases, PostgreSQL first, and stops at a failure.
func (f *migrateFlags) each(ctx context.Context, do func(*migrate.Database) error) error {
	if f.only != "" && f.only != "postgres" && f.only != "clickhouse" {
		return fmt.Errorf("--only %q: choose postgres or clickhouse", f.only)
	}
	if f.only != "clickhouse" {
		if f.postgres == "" {
			return errors.New("--postgres-url or TELEMETRYFLOW_POSTGRES_URL is not set; with --only clickhouse it is not needed")
		}
		database, err := migrate.OpenPostgres(ctx, f.postgres)
		if err := with(database, err, do); err != nil {
			return err
		}
	}
	if f.only != "postgres" {
		if f.clickhouse == "" {
			return errors.New("--clickhouse-url or TELEMETRYFLOW_CLICKHOUSE_URL is not set; with --only postgres it is not needed")
		}
		database, err := migrate.OpenClickHouse(ctx, f.clickhouse, migrate.Cluster{Name: f.cluster})
		return with(database, err, do)
	}
	return nil
}

func with(database *migrate.Database, err error, do func(*migrate.Database) error) error {
	if err != nil {
		return err
	}
	return errors.Join(do(database), database.Close())
}

func printSteps(out io.Writer, database string, steps []migrate.Step) {
	if len(steps) == 0 {
		fmt.Fprintf(out, "%s: nothing to do\n", database)
	}
	for _, step := range steps {
		done := "took back"
		if step.Applied {
			done = "applied"
		}
		fmt.Fprintf(out, "%s: %s %s in %s\n", database, done, step.Name, step.Took.Round(time.Millisecond))
	}
}

func printStatus(out io.Writer, database string, steps []migrate.Step) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, step := range steps {
		at := "pending"
		if step.Applied {
			at = step.At.UTC().Format(time.RFC3339)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", database, step.Name, at)
	}
	return table.Flush()
}
