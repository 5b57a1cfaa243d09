package bootstrap_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/bootstrap"
	"github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
)

func TestBootstrap(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	// As the owner, with whose URL an operator has just migrated.
	pool, err := postgres.Open(testkit.Postgres(t).OwnerURL, postgres.App)
	require.NoError(t, err)
	t.Cleanup(pool.Close)

	organization, err := bootstrap.CreateOrganization(ctx, pool, "Acme")
	require.NoError(t, err)
	workspace, err := bootstrap.CreateWorkspace(ctx, pool, organization, "Production")
	require.NoError(t, err)
	id, err := bootstrap.CreateTenant(ctx, pool, organization, workspace, "Shop")
	require.NoError(t, err)

	found, err := bootstrap.FindOrganization(ctx, pool, "acme")
	require.NoError(t, err)
	require.Equal(t, organization, found.ID)
	inside, err := bootstrap.FindWorkspace(ctx, pool, organization, workspace.String())
	require.NoError(t, err)
	require.Equal(t, "Production", inside.Name)

	t.Run("ErrExists", func(t *testing.T) {
		_, err := bootstrap.CreateOrganization(ctx, pool, "ACME")
		require.ErrorIs(t, err, bootstrap.ErrExists)
		_, err = bootstrap.CreateWorkspace(ctx, pool, organization, "production")
		require.ErrorIs(t, err, bootstrap.ErrExists)
		_, err = bootstrap.CreateTenant(ctx, pool, organization, workspace, "shop")
		require.ErrorIs(t, err, bootstrap.ErrExists)
	})
	t.Run("ErrNotFound", func(t *testing.T) {
		nobody := tenant.ID{1}
		_, err := bootstrap.CreateWorkspace(ctx, pool, nobody, "w")
		require.ErrorIs(t, err, bootstrap.ErrNotFound)
		_, err = bootstrap.CreateTenant(ctx, pool, organization, nobody, "t")
		require.ErrorIs(t, err, bootstrap.ErrNotFound)
		require.ErrorIs(t, bootstrap.DeleteTenant(ctx, pool, nobody, id), bootstrap.ErrNotFound)
		require.ErrorIs(t, bootstrap.DeleteOrganization(ctx, pool, nobody), bootstrap.ErrNotFound)
		_, err = bootstrap.FindOrganization(ctx, pool, "nobody")
		require.ErrorIs(t, err, bootstrap.ErrNotFound)
	})
	t.Run("BadName", func(t *testing.T) {
		_, err := bootstrap.CreateOrganization(ctx, pool, strings.Repeat("x", 201))
		require.ErrorContains(t, err, "a name has 1 to 200 characters")
	})

	// Deletion goes down the tree, and frees the names.
	require.NoError(t, bootstrap.DeleteWorkspace(ctx, pool, organization, workspace))
	tenants, err := bootstrap.ListTenants(ctx, pool, organization)
	require.NoError(t, err)
	require.Empty(t, tenants)
	require.ErrorIs(t, bootstrap.DeleteWorkspace(ctx, pool, organization, workspace), bootstrap.ErrNotFound)
	_, err = bootstrap.CreateTenant(ctx, pool, organization, workspace, "Late")
	require.ErrorIs(t, err, bootstrap.ErrNotFound)
	_, err = bootstrap.CreateWorkspace(ctx, pool, organization, "Production")
	require.NoError(t, err)
	require.NoError(t, bootstrap.DeleteOrganization(ctx, pool, organization))
	list, err := bootstrap.ListOrganizations(ctx, pool)
	require.NoError(t, err)
	require.Empty(t, list)
}
