package server_test

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/testkit"
)

// post sends a statement and returns the status and the answer.
func post(t *testing.T, database *testkit.ClickHouseDatabase, sql string, parameters url.Values) (int, http.Header, string) {
	t.Helper()
	if parameters == nil {
		parameters = url.Values{}
	}
	parameters.Set("database", database.Database)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+database.Addr+"/?"+parameters.Encode(), strings.NewReader(sql))
	require.NoError(t, err)
	request.SetBasicAuth(database.User, database.Password)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, response.Header, string(text)
}

// secretFile is a file that the engine could read.
func secretFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret.csv")
	require.NoError(t, os.WriteFile(path, []byte("canary,1\n"), 0o600))
	return path
}

func TestServer_ReachesNoFile(t *testing.T) {
	t.Parallel()
	database, path := testkit.ClickHouse(t), secretFile(t)
	status, _, text := post(t, database, "CREATE TABLE v (s String) ENGINE = MergeTree ORDER BY s", nil)
	require.Equal(t, http.StatusOK, status, text)
	for _, c := range []struct {
		sql        string
		parameters url.Values
	}{
		{"SELECT * FROM file('" + path + "')", nil},
		{"SELECT * FROM file\u00a0('" + path + "')", nil},
		{"SELECT * FROM `fi\\x6ce`('" + path + "')", nil},
		{"SELECT file('" + path + "')", nil},
		{"SELECT * FROM '" + path + "'", nil},
		{`SELECT * FROM default."` + path + `"`, nil},
		{"SELECT * FROM default.{t:Identifier}", url.Values{"param_t": {path}}},
		{"CREATE TABLE f (s String) ENGINE = File(CSV, '" + path + "')", nil},
		{"INSERT INTO FUNCTION file('" + path + "') SELECT 1", nil},
		{"INSERT INTO v VALUES (file('" + path + "'))", nil},
		{"(file('" + path + "'))", url.Values{"query": {"INSERT INTO v VALUES"}}},
		{"SELECT 1", url.Values{"additional_result_filter": {"length(file('" + path + "')) > 0"}}},
		{"SELECT * FROM url('http://" + database.Addr + "/ping', 'LineAsString')", nil},
		{"SELECT 1 INTO OUTFILE '" + path + ".out'", nil},
	} {
		status, header, text := post(t, database, c.sql, c.parameters)
		require.Equal(t, http.StatusInternalServerError, status, "%s: %s", c.sql, text)
		require.Equal(t, "497", header.Get("X-ClickHouse-Exception-Code"), "%s: %s", c.sql, text)
		require.NotContains(t, text, "canary")
	}
	_, _, text = post(t, database, "SELECT count() FROM v", nil)
	require.Equal(t, "0\n", text)
}

func TestServer_AllowOutside(t *testing.T) {
	t.Parallel()
	database, path := testkit.NewClickHouseServer(t, "--allow-outside").Database(t), secretFile(t)
	status, _, text := post(t, database, "SELECT * FROM file('"+path+"')", nil)
	require.Equal(t, http.StatusOK, status, text)
	require.Equal(t, "canary\t1\n", text)
}

func TestServer_ValuesExpressions(t *testing.T) {
	t.Parallel()
	database := testkit.ClickHouse(t)
	_, _, text := post(t, database, "CREATE TABLE v (s String) ENGINE = MergeTree ORDER BY s", nil)
	require.Empty(t, text)
	_, _, text = post(t, database, "INSERT INTO v VALUES (lower('A')), ('file(1) /*')", nil)
	require.Empty(t, text)
	_, _, text = post(t, database, "SELECT groupArray(s) FROM v", nil)
	require.Equal(t, "['a','file(1) /*']\n", text)
}
