package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/telemetryflow/telemetryflow/internal/bootstrap"
	"github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// tenancy is what the commands for organizations, workspaces and tenants share.
type tenancy struct {
	metadata

	organization, workspace string
}

func newOrganizationCommand() *cobra.Command {
	var flags tenancy
	command := flags.command("organization", "Create, list and delete organizations")
	command.AddCommand(
		flags.sub("create NAME", "Create an organization and print its ID", 1, func(ctx context.Context, pool *postgres.Pool, out io.Writer, args []string) error {
			id, err := bootstrap.CreateOrganization(ctx, pool, args[0])
			return printID(out, id, err)
		}),
		flags.sub("list", "List the organizations", 0, func(ctx context.Context, pool *postgres.Pool, out io.Writer, _ []string) error {
			list, err := bootstrap.ListOrganizations(ctx, pool)
			return printTable(out, err, list, func(o bootstrap.Organization) []any { return []any{o.ID, o.Name, o.Created} })
		}),
		flags.sub("delete ID", "Delete an organization with everything in it", 1, deletion(bootstrap.DeleteOrganization)),
	)
	return command
}

func newWorkspaceCommand() *cobra.Command {
	var flags tenancy
	command := flags.command("workspace", "Create, list and delete workspaces")
	flags.organizationFlag(command)
	command.AddCommand(
		flags.sub("create NAME", "Create a workspace and print its ID", 1, func(ctx context.Context, pool *postgres.Pool, out io.Writer, args []string) error {
			organization, err := bootstrap.FindOrganization(ctx, pool, flags.organization)
			if err != nil {
				return err
			}
			id, err := bootstrap.CreateWorkspace(ctx, pool, organization.ID, args[0])
			return printID(out, id, err)
		}),
		flags.sub("list", "List the workspaces of the organization", 0, func(ctx context.Context, pool *postgres.Pool, out io.Writer, _ []string) error {
			organization, err := bootstrap.FindOrganization(ctx, pool, flags.organization)
			if err != nil {
				return err
			}
			list, err := bootstrap.ListWorkspaces(ctx, pool, organization.ID)
			return printTable(out, err, list, func(w bootstrap.Workspace) []any { return []any{w.ID, w.Name, w.Created} })
		}),
		flags.sub("delete ID", "Delete a workspace with its tenants", 1, flags.deletionIn(bootstrap.DeleteWorkspace)),
	)
	return command
}

func newTenantCommand() *cobra.Command {
	var flags tenancy
	command := flags.command("tenant", "Create, list and delete tenants")
	flags.organizationFlag(command)
	create := flags.sub("create NAME", "Create a tenant and print its ID", 1, func(ctx context.Context, pool *postgres.Pool, out io.Writer, args []string) error {
		organization, err := bootstrap.FindOrganization(ctx, pool, flags.organization)
		if err != nil {
			return err
		}
		workspace, err := bootstrap.FindWorkspace(ctx, pool, organization.ID, flags.workspace)
		if err != nil {
			return err
		}
		id, err := bootstrap.CreateTenant(ctx, pool, organization.ID, workspace.ID, args[0])
		return printID(out, id, err)
	})
	create.Flags().StringVar(&flags.workspace, "workspace", "", "the workspace's name or ID")
	_ = create.MarkFlagRequired("workspace") // fails only for a flag that does not exist
	command.AddCommand(create,
		flags.sub("list", "List the tenants of the organization", 0, func(ctx context.Context, pool *postgres.Pool, out io.Writer, _ []string) error {
			organization, err := bootstrap.FindOrganization(ctx, pool, flags.organization)
			if err != nil {
				return err
			}
			list, err := bootstrap.ListTenants(ctx, pool, organization.ID)
			return printTable(out, err, list, func(t bootstrap.Tenant) []any { return []any{t.ID, t.Workspace, t.Name, t.Created} })
		}),
		flags.sub("delete ID", "Delete a tenant", 1, flags.deletionIn(bootstrap.DeleteTenant)),
	)
	return command
}

func (t *tenancy) command(name, short string) *cobra.Command {
	command := &cobra.Command{Use: name, Short: short, Args: cobra.NoArgs}
	t.flags(command)
	return command
}

func (t *tenancy) organizationFlag(command *cobra.Command) {
	command.PersistentFlags().StringVar(&t.organization, "organization", "", "the organization's name or ID")
	_ = command.MarkPersistentFlagRequired("organization") // fails only for a flag that does not exist
}

type action func(ctx context.Context, pool *postgres.Pool, out io.Writer, args []string) error

func (t *tenancy) sub(use, short string, arguments int, do action) *cobra.Command {
	return &cobra.Command{
		Use:   use,
		Short: short,
		Args:  cobra.ExactArgs(arguments),
		RunE: func(cmd *cobra.Command, args []string) error {
			pool, err := t.open()
			if err != nil {
				return err
			}
			defer pool.Close()
			return do(cmd.Context(), pool, cmd.OutOrStdout(), args)
		},
	}
}

// deletion takes an ID and no name, so that nothing is deleted by a slip.
func deletion(remove func(context.Context, *postgres.Pool, tenant.ID) error) action {
	return func(ctx context.Context, pool *postgres.Pool, _ io.Writer, args []string) error {
		id, err := tenant.ParseID(args[0])
		if err != nil {
			return err
		}
		return remove(ctx, pool, id)
	}
}

func (t *tenancy) deletionIn(remove func(context.Context, *postgres.Pool, tenant.ID, tenant.ID) error) action {
	return deletion(func(ctx context.Context, pool *postgres.Pool, id tenant.ID) error {
		organization, err := bootstrap.FindOrganization(ctx, pool, t.organization)
		if err != nil {
			return err
		}
		return remove(ctx, pool, organization.ID, id)
	})
}

func printID(out io.Writer, id tenant.ID, err error) error {
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, id)
	return err
}

func printTable[T any](out io.Writer, err error, list []T, columns func(T) []any) error {
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, one := range list {
		for _, value := range columns(one) {
			if at, ok := value.(time.Time); ok {
				value = at.UTC().Format(time.RFC3339)
			}
			fmt.Fprint(table, value, "\t")
		}
		fmt.Fprintln(table)
	}
	return table.Flush()
}
