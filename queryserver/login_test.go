package queryserver_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// What a role sees only a part of cannot be given on: the other would see all.
func TestLacks(t *testing.T) {
	t.Parallel()
	shop, lab := tenant.ID{1}, tenant.ID{2}
	grants := []queryserver.Grant{
		{Tenant: tenant.Scope{Tenant: shop}, Permissions: []queryserver.Permission{queryserver.LogsRead}},
		{Tenant: tenant.Scope{Tenant: shop}, Permissions: []queryserver.Permission{queryserver.UsersWrite}},
		{Tenant: tenant.Scope{Tenant: lab}, Permissions: []queryserver.Permission{queryserver.LogsRead}, Filter: []queryserver.Predicate{{Dimension: "service", Values: []string{"a"}}}},
	}
	both := []queryserver.Permission{queryserver.LogsRead, queryserver.UsersWrite}
	require.Empty(t, queryserver.Lacks(grants, shop, both))
	require.Empty(t, queryserver.Lacks(nil, shop, nil))
	require.Equal(t, queryserver.SSOWrite, queryserver.Lacks(grants, shop, append(both, queryserver.SSOWrite)))
	require.Equal(t, queryserver.LogsRead, queryserver.Lacks(grants, lab, both))
	require.Equal(t, queryserver.LogsRead, queryserver.Lacks(grants, tenant.ID{3}, both))
}
