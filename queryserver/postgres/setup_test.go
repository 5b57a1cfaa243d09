package postgres_test

import (
	"crypto/sha256"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/bootstrap"
	base "github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/postgres"
)

// world is a store with an organization of one tenant and its Owner.
type world struct {
	store        *postgres.Store
	database     *testkit.PostgresDatabase
	organization tenant.ID
	tenant       tenant.Scope
	owner        queryserver.UserRef
	call         *queryserver.Call
}

var client = queryserver.Client{IP: netip.MustParseAddr("192.0.2.7"), UserAgent: "Firefox", RequestID: "r1"}

func setup(t *testing.T) *world {
	t.Helper()
	w := &world{database: testkit.Postgres(t)}
	pool, err := base.Open(w.database.AppURL, base.App)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	w.store = postgres.New(pool)
	w.organization, err = bootstrap.CreateOrganization(t.Context(), pool, "acme")
	require.NoError(t, err)
	w.tenant.Workspace, err = bootstrap.CreateWorkspace(t.Context(), pool, w.organization, "production")
	require.NoError(t, err)
	w.tenant.Tenant, err = bootstrap.CreateTenant(t.Context(), pool, w.organization, w.tenant.Workspace, "shop")
	require.NoError(t, err)
	w.owner = w.user(t, "ada@example.com", queryserver.RoleOwner)
	w.call = &queryserver.Call{
		Subject: queryserver.Subject{Kind: queryserver.UserSubject, ID: w.owner.User.String()}, Client: client,
		Scope: queryserver.NewScope(w.organization, w.tenant, nil),
	}
	return w
}

func (w *world) user(t *testing.T, email string, role tenant.ID) queryserver.UserRef {
	t.Helper()
	user, err := w.store.CreateUser(t.Context(), queryserver.Subject{Kind: queryserver.OperatorSubject, ID: "test"}, client, w.organization,
		email, "", "$argon2id$first", []queryserver.Assignment{{Role: role, Tenant: w.tenant.Tenant}})
	require.NoError(t, err)
	return user
}

// session opens a session of a user, with a cookie and a refresh token named after it.
func (w *world) session(t *testing.T, user queryserver.UserRef, name string) tenant.ID {
	t.Helper()
	id, _, err := w.store.OpenSession(t.Context(), user, &queryserver.NewSession{
		Tenant: w.tenant.Tenant, Cookie: hash(name + " cookie"), Refresh: hash(name + " refresh"), Device: hash(user.User.String()),
		Methods: []string{"pwd"}, Client: client, RefreshExpires: time.Now().Add(time.Hour), Expires: time.Now().Add(time.Hour),
	})
	require.NoError(t, err)
	return id
}

func hash(of string) queryserver.Hash { return sha256.Sum256([]byte(of)) }

func requireCode(t *testing.T, code queryserver.Code, err error) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, code, queryserver.CodeOf(err), err)
}

// atOnce runs a hundred tries side by side, and says how many succeeded.
func atOnce(try func() bool) int {
	var succeeded atomic.Int32
	var running sync.WaitGroup
	start := make(chan struct{})
	for range 100 {
		running.Go(func() {
			<-start
			if try() {
				succeeded.Add(1)
			}
		})
	}
	close(start)
	running.Wait()
	return int(succeeded.Load())
}
