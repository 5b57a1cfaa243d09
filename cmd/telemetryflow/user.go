package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/user"
	"strings"

	"github.com/spf13/cobra"

	"github.com/telemetryflow/telemetryflow/internal/bootstrap"
	"github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/password"
	store "github.com/telemetryflow/telemetryflow/queryserver/postgres"
)

// newUser is what `telemetryflow user create` is told.
type newUser struct {
	metadata

	organization, role, displayName string
}

func newUserCommand() *cobra.Command {
	var flags newUser
	command := &cobra.Command{Use: "user", Short: "Create users"}
	flags.flags(command)
	create := &cobra.Command{
		Use:   "create EMAIL",
		Short: "Create a user with a role in every tenant of an organization, and print the ID",
		Long: `Create a user with a role in every tenant of an organization, and print the ID.
The password is the first line of the standard input.`,
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, arguments []string) error {
			pool, err := flags.open()
			if err != nil {
				return err
			}
			defer pool.Close()
			id, err := flags.create(command.Context(), pool, arguments[0], command.InOrStdin())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(command.OutOrStdout(), id.User)
			return err
		},
	}
	create.Flags().StringVar(&flags.organization, "organization", "", "the organization's name or ID")
	create.Flags().StringVar(&flags.role, "role", "Viewer", "Owner, Administrator, Developer, Viewer, or a role of the organization's own")
	create.Flags().StringVar(&flags.displayName, "name", "", "the user's name")
	_ = create.MarkFlagRequired("organization") // fails only for a flag that does not exist
	command.AddCommand(create)
	return command
}

func (n *newUser) create(ctx context.Context, pool *postgres.Pool, email string, input io.Reader) (queryserver.UserRef, error) {
	organization, err := bootstrap.FindOrganization(ctx, pool, n.organization)
	if err != nil {
		return queryserver.UserRef{}, err
	}
	hash, err := n.hash(ctx, email, organization.Name, input)
	if err != nil {
		return queryserver.UserRef{}, err
	}
	operator := queryserver.Subject{Kind: queryserver.OperatorSubject, ID: operatorName()}
	users := store.New(pool)
	call := &queryserver.Call{Subject: operator, Scope: queryserver.NewScope(organization.ID, tenant.Scope{}, nil)}
	roles, err := n.assignments(ctx, users, call)
	if err != nil {
		return queryserver.UserRef{}, err
	}
	return users.CreateUser(ctx, operator, queryserver.Client{}, organization.ID, email, n.displayName, hash, roles)
}

// hash reads the password and hashes it, if the policy lets it through.
func (n *newUser) hash(ctx context.Context, email, organization string, input io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(input, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password from the standard input: %w", err)
	}
	text := strings.TrimRight(line, "\r\n")
	if text == "" {
		return "", errors.New("the standard input has no password: printf '%s' \"$PASSWORD\" | telemetryflow user create …")
	}
	settings := password.DefaultSettings()
	policy, err := password.NewPolicy(settings)
	if err != nil {
		return "", err
	}
	if err := policy.Check(text, password.Owner{Email: email, Organization: organization}); err != nil {
		return "", err
	}
	hasher, err := password.NewHasher(settings)
	if err != nil {
		return "", err
	}
	return hasher.Hash(ctx, text)
}

// assignments are the role in every tenant.
func (n *newUser) assignments(ctx context.Context, users *store.Store, call *queryserver.Call) ([]queryserver.Assignment, error) {
	roles, err := users.Roles(ctx, call)
	if err != nil {
		return nil, err
	}
	tenants, err := users.Tenants(ctx, call, nil)
	if err != nil {
		return nil, err
	}
	if len(tenants) == 0 {
		return nil, errors.New("the organization has no tenant: telemetryflow tenant create")
	}
	for _, role := range roles {
		if !strings.EqualFold(role.Name, n.role) {
			continue
		}
		all := make([]queryserver.Assignment, len(tenants))
		for i, t := range tenants {
			all[i] = queryserver.Assignment{Role: role.ID, Tenant: t.ID}
		}
		return all, nil
	}
	return nil, fmt.Errorf("there is no role %q in the organization", n.role)
}

// operatorName is who runs the command, for the audit trail.
func operatorName() string {
	if who, err := user.Current(); err == nil {
		return who.Username
	}
	return "operator"
}
