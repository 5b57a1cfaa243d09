package postgres_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// ASVS 2.3.3: a user, his roles and the entry of the audit trail are there together: of a
// transaction whose connection dies before its last statement nothing is left.
func TestStore_ASVS_2_3_3_CrashLeavesNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	admin, err := pgx.Connect(ctx, w.database.AdminURL)
	require.NoError(t, err)
	t.Cleanup(func() { _ = admin.Close(ctx) })
	tx, err := admin.Begin(ctx) // holds the head of the trail, for which the entry waits
	require.NoError(t, err)
	_, err = tx.Exec(ctx, "SELECT FROM audit_heads FOR UPDATE")
	require.NoError(t, err)
	failed := make(chan error, 1)
	go func() {
		_, err := w.store.CreateUser(ctx, queryserver.Subject{Kind: queryserver.OperatorSubject, ID: "test"}, client, w.organization, "bob@example.com", "", "$argon2id$x",
			[]queryserver.Assignment{{Role: queryserver.RoleDeveloper, Tenant: w.tenant.Tenant}})
		failed <- err
	}()
	until(t, func() bool {
		var killed int
		require.NoError(t, tx.QueryRow(ctx, `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&killed))
		return killed > 0
	})
	requireCode(t, queryserver.Unavailable, <-failed)
	require.NoError(t, tx.Rollback(ctx))
	for _, table := range []string{
		"users WHERE email = 'bob@example.com'", "user_roles WHERE role_id = '" + queryserver.RoleDeveloper.String() + "'", "audit_logs WHERE detail->>'email' = 'bob@example.com'",
	} {
		var left int
		require.NoError(t, admin.QueryRow(ctx, "SELECT count(*) FROM "+table).Scan(&left))
		require.Zero(t, left, table)
	}
}

// until waits for a condition that another goroutine brings about.
func until(t *testing.T, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, time.Minute, 10*time.Millisecond)
}
