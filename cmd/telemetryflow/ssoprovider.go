package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/auth"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/seal"
	store "github.com/telemetryflow/telemetryflow/queryserver/postgres"
)

// installationProviders is what `telemetryflow sso-provider` works on.
type installationProviders struct {
	config *queryServerConfig
	pool   *postgres.Pool
	store  *store.Store
}

func newSSOProviderCommand() *cobra.Command {
	var file, secretFile string
	provider := queryserver.Provider{Enabled: true}
	on := func(do func(*cobra.Command, *installationProviders, []string) error) func(*cobra.Command, []string) error {
		return func(command *cobra.Command, arguments []string) error {
			work, err := openProviders(command.Context(), file)
			if err != nil {
				return err
			}
			defer work.pool.Close()
			return do(command, work, arguments)
		}
	}
	command := &cobra.Command{
		Use: "sso-provider", Short: "Administer the identity providers of the whole installation",
		Long: `Administer the identity providers of the whole installation, with which users of
every organization may log in. Those of one organization are administered by the
HTTP API.`,
	}
	command.PersistentFlags().StringVar(&file, "config", "config/queryserver.yaml", "configuration of the query server: its PostgreSQL, and the master key that seals secrets")
	create := &cobra.Command{
		Use: "create NAME", Short: "Create a provider, and print the redirect URI to register there", Args: cobra.ExactArgs(1),
		Long: `Create a provider, and print the redirect URI to register there. The client secret is
the first line of --secret-file, or of the standard input.`,
		RunE: on(func(command *cobra.Command, work *installationProviders, arguments []string) error {
			secret, err := readSecret(secretFile, command.InOrStdin())
			if err != nil {
				return err
			}
			provider.Name = arguments[0]
			if err := work.create(command.Context(), &provider, secret); err != nil {
				return err
			}
			_, err = fmt.Fprintln(command.OutOrStdout(), work.config.HTTP.PublicURL+auth.ProviderPath+provider.Segment()+"/callback")
			return err
		}),
	}
	flags := create.Flags()
	flags.StringVar(&provider.Kind, "kind", "oidc", "oidc, google, entra or github")
	flags.StringVar(&provider.Issuer, "issuer", "", "as the provider's discovery document spells it; needed for oidc")
	flags.StringVar(&provider.ClientID, "client-id", "", "from the provider")
	flags.StringVar(&secretFile, "secret-file", "", "file with the client secret; without it the standard input has it")
	flags.StringVar(&provider.DisplayName, "display-name", "", "what users see (default the name)")
	flags.StringSliceVar(&provider.Scopes, "scopes", nil, "that are asked for (default openid,profile,email; of GitHub read:user,user:email)")
	flags.StringSliceVar(&provider.Algorithms, "algorithms", nil, "that may sign ID tokens (default RS256,PS256,ES256,EdDSA)")
	flags.StringToStringVar(&provider.Parameters, "parameters", nil, "added to the login request, such as hd=example.com")
	flags.StringSliceVar(&provider.Directories, "directories", nil, "of Entra: those whose users may log in")
	flags.BoolVar(&provider.LinkByVerifiedEmail, "link-by-verified-email", false, "let users adopt an identity with their address by a link in an e-mail")
	_ = create.MarkFlagRequired("client-id") // fails only for a flag that does not exist
	command.AddCommand(create, &cobra.Command{
		Use: "list", Short: "List the providers of the installation", Args: cobra.NoArgs,
		RunE: on(func(command *cobra.Command, work *installationProviders, _ []string) error {
			all, err := work.store.LoginProviders(command.Context(), "", "")
			for _, p := range all {
				fmt.Fprintf(command.OutOrStdout(), "%s\t%s\t%s\n", p.Name, p.Kind, p.Shown())
			}
			return err
		}),
	}, &cobra.Command{
		Use: "delete NAME", Short: "Delete a provider with the identities there; their users stay", Args: cobra.ExactArgs(1),
		RunE: on(func(command *cobra.Command, work *installationProviders, arguments []string) error {
			return work.store.DeleteInstallationProvider(command.Context(), operatorName(), arguments[0])
		}),
	})
	return command
}

func openProviders(ctx context.Context, file string) (*installationProviders, error) {
	config, err := loadQueryServerConfig(ctx, file)
	if err != nil {
		return nil, err
	}
	pool, err := postgres.Open(string(config.Postgres.URL), postgres.App) //nolint:contextcheck // it opens no connection yet
	if err != nil {
		return nil, fmt.Errorf("postgres: url: %w", err)
	}
	return &installationProviders{config, pool, store.New(pool)}, nil
}

func (i *installationProviders) create(ctx context.Context, provider *queryserver.Provider, secret string) error {
	if err := auth.CheckProviderName(provider.Name); err != nil {
		return explainFields(err)
	}
	if err := (identityProviders{}).Validate(provider, secret); err != nil {
		return explainFields(err)
	}
	sealer, err := seal.New(i.config.Secrets)
	if err != nil {
		return err
	}
	provider.ID = tenant.NewID()
	auth.SealProvider(sealer, provider, secret)
	return i.store.CreateInstallationProvider(ctx, operatorName(), provider)
}

// explainFields writes out what is wrong with the fields.
func explainFields(err error) error {
	var wrong *queryserver.Error
	if !errors.As(err, &wrong) {
		return err
	}
	text := wrong.Message
	for _, field := range wrong.Fields {
		text += "\n" + strings.TrimPrefix(field.Location, "body.") + " " + field.Message
	}
	return errors.New(text)
}

// maxSecretLine is more than a provider's client secret has.
const maxSecretLine = 8 << 10

// readSecret is the first line of a file, or of the standard input.
func readSecret(file string, input io.Reader) (string, error) {
	if file != "" {
		opened, err := os.Open(file)
		if err != nil {
			return "", fmt.Errorf("read the client secret: %w", err)
		}
		defer opened.Close()
		input = opened
	}
	line, err := bufio.NewReader(io.LimitReader(input, maxSecretLine)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the client secret: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}
