package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/seal"
	store "github.com/telemetryflow/telemetryflow/queryserver/postgres"
)

func newSecretsCommand() *cobra.Command {
	var file, url string
	command := &cobra.Command{Use: "secrets", Short: "Change the master key"}
	reseal := &cobra.Command{
		Use:   "reseal",
		Short: "Seal every kept secret by the first master key",
		Long: `Seal seeds of second factors, client secrets of identity providers and signing
keys anew, by the first key under secrets::keys of the query server's
configuration. The other keys there open what they have sealed. Servers must
know both keys before; an hour after, the old one can be taken away.`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return reseal(command.Context(), file, cmp.Or(url, os.Getenv("TELEMETRYFLOW_OWNER_URL")), command.OutOrStdout())
		},
	}
	reseal.Flags().StringVar(&file, "config", "config/queryserver.yaml", "the query server's configuration")
	reseal.Flags().StringVar(&url, "owner-url", "", "PostgreSQL as telemetryflow_owner or an administrator (TELEMETRYFLOW_OWNER_URL)")
	command.AddCommand(reseal)
	return command
}

func reseal(ctx context.Context, file, url string, out io.Writer) error {
	if url == "" {
		return errors.New("--owner-url or TELEMETRYFLOW_OWNER_URL is not set: servers cannot read the secrets of all organizations")
	}
	config, err := loadQueryServerConfig(ctx, file)
	if err != nil {
		return err
	}
	sealer, err := seal.New(config.Secrets)
	if err != nil {
		return err
	}
	at, err := postgres.ConnConfig(url)
	if err != nil {
		return fmt.Errorf("--owner-url: %w", err)
	}
	conn, err := pgx.ConnectConfig(ctx, at)
	if err != nil {
		return errors.New("connect to PostgreSQL by --owner-url: it cannot be reached, or refuses") // the cause may hold the password
	}
	defer conn.Close(context.WithoutCancel(ctx))
	changed, err := store.Reseal(ctx, conn, func(s store.Sealed) (string, error) {
		if !sealer.NeedsReseal(s.Text) {
			return s.Text, nil
		}
		row := seal.Row{Table: s.Table, Column: s.Column, ID: s.ID}
		secret, err := sealer.Open(s.Text, row)
		if err != nil {
			return "", err
		}
		return sealer.Seal(secret, row), nil
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%d secrets are sealed anew.\n", changed)
	return err
}
