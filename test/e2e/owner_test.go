//go:build linux

package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/apikey/keyadmin"
	"github.com/telemetryflow/telemetryflow/internal/bootstrap"
	"github.com/telemetryflow/telemetryflow/internal/localstack/stacktest"
	"github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// owner is a tenant with a key that is bound to it.
type owner struct {
	workspace string
	tenant    string
	key       credential
}

func newOwner(t *testing.T, stack *stacktest.Stack, name string) owner {
	t.Helper()
	pool, err := postgres.Open(stack.State.AppURL(), postgres.App)
	require.NoError(t, err)
	defer pool.Close()
	organization, err := bootstrap.CreateOrganization(t.Context(), pool, name)
	require.NoError(t, err)
	workspace, err := bootstrap.CreateWorkspace(t.Context(), pool, organization, name)
	require.NoError(t, err)
	id, err := bootstrap.CreateTenant(t.Context(), pool, organization, workspace, name)
	require.NoError(t, err)
	o := owner{workspace: workspace.String(), tenant: id.String()}
	o.key = o.newKey(t, stack, keyadmin.Limits{}, tenant.MetricsWrite, tenant.LogsWrite, tenant.TracesWrite)
	return o
}

// newKey makes another key of the tenant.
func (o owner) newKey(t *testing.T, stack *stacktest.Stack, limits keyadmin.Limits, permissions ...tenant.Permission) credential {
	t.Helper()
	id, err := tenant.ParseID(o.tenant)
	require.NoError(t, err)
	_, key, err := administer(t, stack).Create(t.Context(), keyadmin.NewKey{
		Name: "end-to-end test", Kind: keyadmin.Tenant, Binding: id, Permissions: permissions, Limits: limits,
	})
	require.NoError(t, err)
	return credential{id: key.ID.String(), secret: key.Secret}
}

func (o owner) revoke(t *testing.T, stack *stacktest.Stack) {
	t.Helper()
	id, err := apikey.ParseID(o.key.id)
	require.NoError(t, err)
	_, err = administer(t, stack).Revoke(t.Context(), id)
	require.NoError(t, err)
}

func administer(t *testing.T, stack *stacktest.Stack) *keyadmin.Admin {
	t.Helper()
	pool, err := postgres.Open(stack.State.AppURL(), postgres.App)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return keyadmin.New(pool, "end-to-end test")
}
