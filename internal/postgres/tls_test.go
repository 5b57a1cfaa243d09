package postgres_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/postgres"
)

func TestCheckURL_ASVS_12_3_2(t *testing.T) {
	t.Parallel()
	for _, good := range []string{
		"postgres:///db?host=/run/postgresql", "postgres://u:hunter2@127.0.0.1:5432/db?sslmode=disable", "postgres://u@localhost/db", "postgres://u@[::1]/db",
		"postgres://u:hunter2@db.example.com/db", "postgres://u@db.example.com/db?sslmode=verify-full",
		"postgres://u@db.example.com/db?sslmode=disable&insecure=true", "host=db.example.com user=u dbname=db",
	} {
		require.NoError(t, postgres.CheckURL(good), good)
	}
	for _, mode := range []string{"disable", "allow", "prefer", "require", "verify-ca"} {
		err := postgres.CheckURL("postgres://u:hunter2@db.example.com/db?sslmode=" + mode)
		require.ErrorContains(t, err, "insecure=true", mode)
		require.NotContains(t, err.Error(), "hunter2")
	}
	require.Error(t, postgres.CheckURL("postgres://u@localhost,db.example.com/db?sslmode=disable"), "one of several hosts")
	require.Error(t, postgres.CheckURL("postgres://u@db.example.com/db?sslmode=disable&insecure=no"))
}
