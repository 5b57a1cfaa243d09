package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/apikey/keyadmin"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// actor is how changes made from a shell show in the audit trail.
const actor = "telemetryflow apikey"

// apiKeys is what the commands for API keys share.
type apiKeys struct {
	metadata

	output string
}

func newAPIKeyCommand() *cobra.Command {
	var keys apiKeys
	command := &cobra.Command{Use: "apikey", Short: "Create, list, rotate and revoke API keys"}
	keys.flags(command)
	command.PersistentFlags().StringVar(&keys.output, "output", "table", "table or json")
	command.AddCommand(keys.create(), keys.list(), keys.rotate(), keys.revoke())
	return command
}

// binding are the flags that say to what a key is bound.
type binding struct{ tenant, workspace, organization string }

func (b *binding) flags(command *cobra.Command, verb string) {
	command.Flags().StringVar(&b.tenant, "tenant", "", verb+" this tenant (ID)")
	command.Flags().StringVar(&b.workspace, "workspace", "", verb+" this workspace (ID)")
	command.Flags().StringVar(&b.organization, "organization", "", verb+" this organization (ID)")
	command.MarkFlagsMutuallyExclusive("tenant", "workspace", "organization")
}

// filter is zero when no flag is set.
func (b *binding) filter() (keyadmin.Filter, error) {
	for kind, text := range map[keyadmin.Kind]string{
		keyadmin.Tenant: b.tenant, keyadmin.Workspace: b.workspace, keyadmin.Organization: b.organization,
	} {
		if text == "" {
			continue
		}
		id, err := tenant.ParseID(text)
		if err != nil {
			return keyadmin.Filter{}, fmt.Errorf("--%s: %w", kind, err)
		}
		return keyadmin.Filter{Kind: kind, Binding: id}, nil
	}
	return keyadmin.Filter{}, nil
}

func (k *apiKeys) create() *cobra.Command {
	var to binding
	var key keyadmin.NewKey
	var permissions []string
	var expires time.Duration
	var file string
	command := &cobra.Command{
		Use:   "create",
		Short: "Create a key and print it with its secret, which is shown only now",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			filter, err := to.filter()
			if err != nil {
				return err
			}
			key.Kind, key.Binding = filter.Kind, filter.Binding
			if key.Permissions, err = parsePermissions(permissions); err != nil {
				return err
			}
			if expires < 0 {
				return fmt.Errorf("--expires must be positive, such as 720h (got %s)", expires)
			}
			if expires > 0 {
				at := time.Now().Add(expires)
				key.ExpiresAt = &at
			}
			return k.do(command, func(ctx context.Context, admin *keyadmin.Admin) error {
				created, credential, err := admin.Create(ctx, key)
				if err != nil {
					return err
				}
				return k.printSecret(command.OutOrStdout(), created, credential, file)
			})
		},
	}
	to.flags(command, "bind the key to")
	command.MarkFlagsOneRequired("tenant", "workspace", "organization")
	command.Flags().StringVar(&key.Name, "name", "", "what the key is for")
	_ = command.MarkFlagRequired("name") // fails only for a flag that does not exist
	command.Flags().StringSliceVar(&permissions, "permissions", []string{"metrics:write", "logs:write", "traces:write"}, "what the key may do")
	command.Flags().DurationVar(&expires, "expires", 0, "time after which the key stops working; 0 is never")
	command.Flags().IntVar(&key.Limits.RequestsPerMinute, "rate-limit", keyadmin.DefaultRequestsPerMinute, "requests per minute; 0 is no limit")
	command.Flags().Int64Var(&key.Limits.ItemsPerSecond, "items-limit", 0, "spans, data points and log records per second; 0 is no limit")
	command.Flags().Int64Var(&key.Limits.BytesPerSecond, "bytes-limit", 0, "decompressed bytes per second; 0 is no limit")
	secretFileFlag(command, &file)
	return command
}

func (k *apiKeys) list() *cobra.Command {
	var within binding
	command := &cobra.Command{
		Use:   "list",
		Short: "List keys, revoked ones too; secrets are not kept",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			filter, err := within.filter()
			if err != nil {
				return err
			}
			return k.do(command, func(ctx context.Context, admin *keyadmin.Admin) error {
				list, err := admin.List(ctx, filter)
				if err != nil {
					return err
				}
				return k.print(command.OutOrStdout(), list)
			})
		},
	}
	within.flags(command, "only keys bound to, or within,")
	return command
}

func (k *apiKeys) rotate() *cobra.Command {
	var grace time.Duration
	var file string
	command := &cobra.Command{
		Use:   "rotate KEY_ID",
		Short: "Give a key a new secret and print it; the old one works for a while",
		Args:  cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			id, err := apikey.ParseID(args[0])
			if err != nil {
				return err
			}
			if grace < 0 {
				return fmt.Errorf("--grace must not be negative (got %s)", grace)
			}
			return k.do(command, func(ctx context.Context, admin *keyadmin.Admin) error {
				key, credential, err := admin.Rotate(ctx, id, grace)
				if err != nil {
					return err
				}
				return k.printSecret(command.OutOrStdout(), key, credential, file)
			})
		},
	}
	command.Flags().DurationVar(&grace, "grace", keyadmin.DefaultGrace, "time for which the old secret still works; 0 ends it at once")
	secretFileFlag(command, &file)
	return command
}

func (k *apiKeys) revoke() *cobra.Command {
	return &cobra.Command{
		Use:   "revoke KEY_ID",
		Short: "End a key for good; collectors refuse it within 5 seconds",
		Args:  cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			id, err := apikey.ParseID(args[0])
			if err != nil {
				return err
			}
			return k.do(command, func(ctx context.Context, admin *keyadmin.Admin) error {
				key, err := admin.Revoke(ctx, id)
				if err != nil {
					return err
				}
				return k.print(command.OutOrStdout(), []keyadmin.Key{key})
			})
		},
	}
}

func secretFileFlag(command *cobra.Command, file *string) {
	command.Flags().StringVar(file, "secret-file", "", "write id:secret to this new file, which only you may read, and do not print the secret")
}

func parsePermissions(texts []string) ([]tenant.Permission, error) {
	var permissions []tenant.Permission
	for _, text := range texts {
		permission := tenant.Permission(strings.TrimSpace(text))
		if !slices.Contains(queryserver.APIKeyPermissions(), permission) {
			return nil, fmt.Errorf("--permissions: %q is none of metrics, logs and traces, each :read or :write", text)
		}
		permissions = append(permissions, permission)
	}
	if len(permissions) == 0 {
		return nil, errors.New("--permissions: name at least one, such as logs:write")
	}
	return permissions, nil
}

// do opens the metadata and works.
func (k *apiKeys) do(command *cobra.Command, work func(context.Context, *keyadmin.Admin) error) error {
	if k.output != "table" && k.output != "json" {
		return fmt.Errorf("--output must be table or json (got %q)", k.output)
	}
	pool, err := k.open()
	if err != nil {
		return err
	}
	defer pool.Close()
	return work(command.Context(), keyadmin.New(pool, actor))
}
