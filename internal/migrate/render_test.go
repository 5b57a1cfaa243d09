package migrate

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/migrations"
)

// The cluster form has not run on a real cluster in these tests, so its text is
// kept: UPDATE_GOLDEN=1 go test ./internal/migrate writes it anew.
func TestCluster_Golden(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(migrations.ClickHouse, "clickhouse/*.sql")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(path.Base(file), func(t *testing.T) {
			t.Parallel()
			rendered, err := fs.ReadFile(renderedFS{FS: migrations.ClickHouse, cluster: Cluster{Name: "prod"}}, file)
			require.NoError(t, err)
			golden := filepath.Join("testdata", "cluster", path.Base(file))
			if os.Getenv("UPDATE_GOLDEN") != "" {
				require.NoError(t, os.MkdirAll(filepath.Dir(golden), 0o755))
				require.NoError(t, os.WriteFile(golden, rendered, 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), string(rendered))

			for _, statement := range strings.Split(string(rendered), ";\n") {
				head := strings.TrimSpace(statement)
				for _, verb := range []string{"CREATE", "DROP", "ALTER"} {
					if strings.HasPrefix(head, verb) || strings.Contains(head, "\n"+verb+" ") {
						require.Contains(t, statement, " ON CLUSTER 'prod'")
					}
				}
				require.NotRegexp(t, `ENGINE = (\w*)?MergeTree`, strings.ReplaceAll(statement, "Replicated", "#"))
			}
		})
	}
}

func TestCluster(t *testing.T) {
	t.Parallel()
	render := func(c Cluster, text string) string {
		out, err := c.render("test.sql", []byte(text))
		require.NoError(t, err)
		return string(out)
	}
	const table = `{{.Local "t"}}{{.OnCluster}} {{.Engine "ReplacingMergeTree" "version" ""}} {{.Engine "MergeTree"}}{{.Sync}}`
	one, prod := Cluster{}, Cluster{Name: "prod"}
	require.Equal(t, "t ReplacingMergeTree(version) MergeTree", render(one, table))
	require.Equal(t, "t_local ON CLUSTER 'prod' ReplicatedReplacingMergeTree(version) ReplicatedMergeTree SYNC", render(prod, table))
	require.Empty(t, render(one, `{{.Distributed "t" "key"}}{{.DropDistributed "t"}}`))
	require.Equal(t, "CREATE TABLE IF NOT EXISTS t ON CLUSTER 'prod' AS t_local\nENGINE = Distributed('prod', currentDatabase(), 't_local', key);",
		render(prod, `{{.Distributed "t" "key"}}`))
	require.Equal(t, "DROP TABLE IF EXISTS t ON CLUSTER 'prod' SYNC;", render(prod, `{{.DropDistributed "t"}}`))
	require.Equal(t, "ReplicatedMergeTree('/clickhouse/telemetryflow/{database}/x', '{shard}-{replica}', at)", prod.everywhere("MergeTree", "x", "at"))

	for _, wrong := range []string{`{{.Engine "Log"}}`, `{{.Engine "ReplicatedMergeTree"}}`, `{{.Nothing}}`, `{{`} {
		_, err := one.render("test.sql", []byte(wrong))
		require.ErrorContains(t, err, "test.sql", wrong)
	}
}

func TestCheckClickHouseVersion(t *testing.T) {
	t.Parallel()
	require.NoError(t, checkClickHouseVersion("26.7.2.1"))
	require.NoError(t, checkClickHouseVersion("27.1"))
	require.EqualError(t, checkClickHouseVersion("25.8.1.1"), "ClickHouse 25.8.1.1 is too old: upgrade it to 26.1 or newer")
	require.Error(t, checkClickHouseVersion("master"))
}
