//go:build linux

package contract

import (
	"crypto/rand"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/apikey/keyadmin"
	"github.com/telemetryflow/telemetryflow/internal/bootstrap"
	"github.com/telemetryflow/telemetryflow/internal/localstack/stacktest"
	"github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// world is a running stack and an organization of two workspaces: the first with
// two tenants, the second with one.
type world struct {
	*stacktest.Stack
	conn  *grpc.ClientConn
	admin *keyadmin.Admin

	organization tenant.ID
	workspaces   [2]tenant.ID
	tenants      [3]tenant.ID
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Stack: stacktest.Start(t)}
	var err error
	w.conn, err = grpc.NewClient("127.0.0.1:"+strconv.Itoa(w.GRPCPort), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.conn.Close()) })
	pool, err := postgres.Open(w.State.AppURL(), postgres.App)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	w.admin = keyadmin.New(pool, "contract test")
	w.organization, err = bootstrap.CreateOrganization(t.Context(), pool, "contract")
	require.NoError(t, err)
	for i, name := range [...]string{"one", "two"} {
		w.workspaces[i], err = bootstrap.CreateWorkspace(t.Context(), pool, w.organization, name)
		require.NoError(t, err)
	}
	for i, workspace := range [...]int{0, 0, 1} {
		w.tenants[i], err = bootstrap.CreateTenant(t.Context(), pool, w.organization, w.workspaces[workspace], strconv.Itoa(i))
		require.NoError(t, err)
	}
	return w
}

// key makes a key of the first tenant with every permission, unless changed.
func (w *world) key(t *testing.T, change ...func(*keyadmin.NewKey)) apikey.Credential {
	t.Helper()
	key := keyadmin.NewKey{
		Name: "contract", Kind: keyadmin.Tenant, Binding: w.tenants[0],
		Permissions: []tenant.Permission{tenant.MetricsWrite, tenant.LogsWrite, tenant.TracesWrite},
	}
	for _, c := range change {
		c(&key)
	}
	_, credential, err := w.admin.Create(t.Context(), key)
	require.NoError(t, err)
	return credential
}

func (w *world) revoked(t *testing.T) apikey.Credential {
	t.Helper()
	credential := w.key(t)
	_, err := w.admin.Revoke(t.Context(), credential.ID)
	require.NoError(t, err)
	return credential
}

func expired(key *keyadmin.NewKey) {
	past := time.Now().Add(-time.Second)
	key.ExpiresAt = &past
}

func permitted(permissions ...tenant.Permission) func(*keyadmin.NewKey) {
	return func(key *keyadmin.NewKey) { key.Permissions = permissions }
}

func limited(limits keyadmin.Limits) func(*keyadmin.NewKey) {
	return func(key *keyadmin.NewKey) { key.Limits = limits }
}

func bound(kind keyadmin.Kind, to tenant.ID) func(*keyadmin.NewKey) {
	return func(key *keyadmin.NewKey) { key.Kind, key.Binding = kind, to }
}

// requireStored waits until two items of each signal of a service are stored, all of
// them the tenant's.
func (w *world) requireStored(t *testing.T, service, tenant string) {
	t.Helper()
	w.AwaitQuery(t, strings.ReplaceAll("logs #,logs #,metrics #,metrics #,traces #,traces #", "#", tenant), tenantsOf, service)
}

// requireNothing requires that nothing of a service is stored, once what was sent
// after it is.
func (w *world) requireNothing(t *testing.T, service string) {
	t.Helper()
	key, marker := headers(w.key(t)), service+"-marker-"+rand.Text()
	for range 2 {
		for _, s := range signals {
			got := w.post(t, http.MethodPost, "/v1/"+s.name, protobuf, key, s.item(t, protobuf, marker, time.Now()))
			require.Equal(t, 200, got.code, "%s", got.body)
		}
	}
	w.requireStored(t, marker, w.tenants[0].String())
	require.Empty(t, w.Query(t, tenantsOf, service))
}

// tenantsOf lists the tenants of the stored items of a service, by signal.
const tenantsOf = `SELECT arrayStringConcat(groupArray(s || ' ' || toString(tenant_id)), ',') FROM (
	SELECT 'logs' AS s, tenant_id FROM logs_v3 WHERE service_name = '%[1]s'
	UNION ALL SELECT 'metrics', tenant_id FROM metrics_v3 WHERE service_name = '%[1]s'
	UNION ALL SELECT 'traces', tenant_id FROM spans_v3 WHERE service_name = '%[1]s' ORDER BY 1)`
