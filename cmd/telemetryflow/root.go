package main

import "github.com/spf13/cobra"

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "telemetryflow",
		Short:         "Multi-tenant OpenTelemetry backend",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newUpCommand())
	root.AddCommand(newSQLCommand())
	root.AddCommand(newEngineCommand())
	root.AddCommand(newMigrateCommand(), newAPIKeyCommand(), newOrganizationCommand(), newWorkspaceCommand(), newTenantCommand(),
		newDeadLetterCommand(), newUserCommand(), newSecretsCommand(), newSSOProviderCommand(), newQueryServerCommand())
	return root
}
