//go:build linux

package contract

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/telemetryflow/telemetryflow/internal/apikey/keyadmin"
	"github.com/telemetryflow/telemetryflow/internal/localstack"
	"github.com/telemetryflow/telemetryflow/internal/localstack/stacktest"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// TestContract_Chain sends through an agent and a gateway: what counts is the
// agent's key, whatever its clients say about tenants, or hold themselves.
func TestContract_Chain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	certificate := stacktest.NewCertificate(t)
	gateway := w.StartGateway(t, certificate.CertFile, certificate.KeyFile)
	key := w.key(t)
	agent := stacktest.StartAgent(t, "https://"+gateway.HTTP, localstack.Key{ID: key.ID.String(), Secret: key.Secret},
		certificate.CertFile, t.TempDir()+"/*.log")
	conn, err := grpc.NewClient(agent.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })

	own, foreign := w.tenants[0].String(), w.tenants[2].String()
	another := headers(w.key(t, bound(keyadmin.Tenant, w.tenants[2])))
	for _, row := range []struct {
		name       string
		headers    map[string]string
		attributes []string
		want       string // "" means that the gateway rejects it
	}{
		{"chain-plain", nil, nil, own},
		{"chain-header", map[string]string{"x-tenant-id": foreign, "x-workspace-id": w.workspaces[1].String()}, nil, own},
		{"chain-other-key", another, nil, own},
		{"chain-attribute", nil, []string{tenant.TenantAttribute, foreign}, ""},
		{"chain-other-key-and-attribute", another, []string{tenant.TenantAttribute, foreign}, ""},
		{"chain-own-attribute", nil, []string{tenant.TenantAttribute, own}, own},
	} {
		for _, s := range signals {
			got := post(t, http.MethodPost, "http://"+agent.HTTP+"/v1/"+s.name, jsonType, row.headers, s.item(t, jsonType, row.name, time.Now(), row.attributes...))
			require.Equal(t, 200, got.code, "%s: %s", row.name, got.body)
			over := call(t, conn, s.method, row.headers, s.item(t, protobuf, row.name, time.Now(), row.attributes...))
			require.Equal(t, codes.OK, over.status.Code(), over.status.Message())
		}
		if row.want == "" {
			w.requireNothing(t, row.name)
		} else {
			w.requireStored(t, row.name, row.want)
		}
	}
}
