//go:build linux

package queryserver

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/localstack/stacktest"
	"github.com/telemetryflow/telemetryflow/internal/migrate"
	"github.com/telemetryflow/telemetryflow/internal/testkit"
	"github.com/telemetryflow/telemetryflow/internal/testkit/smtptest"
)

// Rule 3: a server works with the schema of the next release, which only expands, and
// refuses to start with an older one or with one that it cannot know.
func TestServer_Schema(t *testing.T) {
	t.Parallel()
	s := &server{database: testkit.Postgres(t), redis: testkit.Redis(t), sink: smtptest.Start(t)}
	s.fill(t)
	admin, err := pgx.Connect(t.Context(), s.database.AdminURL)
	require.NoError(t, err)
	t.Cleanup(func() { _ = admin.Close(context.Background()) })
	do := func(statement string, arguments ...any) {
		_, err := admin.Exec(t.Context(), statement, arguments...)
		require.NoError(t, err)
	}
	// What a release after this one may do: new columns, new tables, wider checks.
	do("ALTER TABLE users ADD COLUMN pronouns text NOT NULL DEFAULT ''")
	do("ALTER TABLE sessions ADD COLUMN device_name text")
	do("CREATE TABLE teams (team_id uuid PRIMARY KEY)")
	do("INSERT INTO schema_migrations (version_id, is_applied) VALUES ($1, TRUE)", migrate.PostgresRange.Max)
	s.run(t)
	s.login(t, email)
	s.Stop()

	refused := func(say string) {
		p := stacktest.Run(t, stacktest.Program(t, "telemetryflow"), s.environment, "queryserver", "--config", stacktest.Config(t, "queryserver.yaml"))
		<-p.Done
		require.False(t, p.Cmd.ProcessState.Success())
		require.Contains(t, p.Output(), say)
	}
	do("INSERT INTO schema_migrations (version_id, is_applied) VALUES ($1, TRUE)", migrate.PostgresRange.Max+1)
	refused("upgrade the program")
	do("DELETE FROM schema_migrations WHERE version_id >= $1", migrate.PostgresRange.Min)
	refused("telemetryflow migrate up")
}
