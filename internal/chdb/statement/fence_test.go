package statement_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/chdb/statement"
)

func fence() *statement.Fence {
	return statement.NewFence(
		[]string{"file", "url", "s3", "s3Cluster", "remote", "remoteSecure", "cluster", "executable", "mysql", "eval", "filesystem", "numbers", "format", "values", "merge", "view", "newInNextVersion"},
		[]string{"File", "URL", "S3", "Distributed", "Executable", "MySQL", "Filesystem", "MergeTree", "ReplicatedMergeTree", "Memory", "Null", "View", "Atomic", "Dictionary"})
}

func TestFence_Refuses(t *testing.T) {
	t.Parallel()
	for _, sql := range []string{
		"SELECT * FROM file('/etc/passwd')",
		"select * from FILE ('/etc/passwd')",
		"SELECT * FROM file /* x */ -- y\n ('/etc/passwd')",
		"SELECT * FROM file\u00a0('/etc/passwd')",
		"SELECT * FROM `file`('/etc/passwd')",
		"SELECT * FROM \"file\"('/etc/passwd')",
		"SELECT * FROM `fi\\x6ce`('/etc/passwd')",
		"SELECT file('/etc/passwd')",
		"FROM file('/etc/passwd') SELECT *",
		"WITH x AS (SELECT * FROM url('http://a')) SELECT * FROM x",
		"SELECT 1; SELECT * FROM s3('x')",
		"SELECT 1 IN remote('h', system.one)",
		"SELECT * FROM newInNextVersion()",
		"DESCRIBE TABLE url('http://a')",
		"EXPLAIN SELECT * FROM executable('x', TSV, 'a String')",
		"INSERT INTO FUNCTION file('/x') SELECT 1",
		"INSERT INTO TABLE FUNCTION url('http://a', CSV) VALUES (1)",
		"CREATE TABLE t AS remote('h', system.one)",
		"CREATE VIEW v AS SELECT * FROM mysql('h')",
		"CREATE TABLE t (a String DEFAULT file('/x')) ENGINE = Memory",
		"CREATE TABLE t (a String) ENGINE = File(CSV, '/x')",
		"create table t (a String) engine URL('http://a')",
		"CREATE TABLE t (a String) ENGINE = `S3`('x')",
		"CREATE TABLE t (a String) ENGINE /**/ = Distributed(c, d, t)",
		"CREATE TABLE t (a String) ENGINE = `Fi\\x6ce`(CSV)",
		"CREATE TABLE t (a String) ENGINE = {e:Identifier}",
		"CREATE DATABASE d ENGINE = Filesystem('/')",
		"ATTACH TABLE t FROM '/x' (a String) ENGINE = MergeTree ORDER BY a",
		"CREATE TABLE t (a String) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = local, path = '/x')",
		"CREATE DICTIONARY d (a UInt64) PRIMARY KEY a SOURCE(HTTP(url 'http://a')) LAYOUT(FLAT()) LIFETIME(1)",
		"CREATE DICTIONARY d (a UInt64) PRIMARY KEY a SOURCE(FILE(path '/x')) LAYOUT(FLAT())",
		"CREATE DICTIONARY d (a UInt64) PRIMARY KEY a SOURCE(CLICKHOUSE(HOST 'h' TABLE 't')) LAYOUT(FLAT())",
		"CREATE DICTIONARY d (a UInt64) PRIMARY KEY a SOURCE(CLICKHOUSE(QUERY 'SELECT 1')) LAYOUT(FLAT())",
		"CREATE DICTIONARY d (a UInt64) PRIMARY KEY a SOURCE(NULL()) LAYOUT(SSD_CACHE(PATH '/x'))",
		"SELECT 1 INTO OUTFILE '/x'",
		"INSERT INTO t FROM INFILE '/x' FORMAT CSV",
		"BACKUP TABLE t TO File('/x')",
		"RESTORE TABLE t FROM Disk('d', 'x')",
		"SELECT 1 SETTINGS additional_result_filter = 'file(''/x'') = 1'",
		`SELECT 1 SETTINGS additional_table_filters = {'t': 'a IN (SELECT * FROM fil\x65(\'x\'))'}`,
		"SET dialect = 'prql'",
		"SELECT * FROM t FORMAT Template SETTINGS format_template_row = '/x'",
		"SELECT * FROM '/etc/passwd'", "SELECT * FROM \"/etc/passwd\"", "SELECT * FROM default.`/etc/passwd`", "DESCRIBE '/etc/passwd'",
		"SELECT * FROM `\\x2fetc\\x2fpasswd`", "SELECT * FROM t JOIN u ON t.a = u.a, '/etc/passwd'", "SELECT * FROM (SELECT 1) AS x, '/etc/passwd'",
		"SELECT * FROM t JOIN '/etc/passwd' USING a", "SELECT * FROM ('/etc/passwd')",
		"CREATE DICTIONARY d (a UInt64) PRIMARY KEY a SOURCE(CLICKHOUSE(TABLE '/x')) LAYOUT(FLAT())",
		// What the engine may cut otherwise.
		"SELECT x$a$ , file('/x') , $a$",
		"SELECT $ '$ 1 $ '$ , file('/x'), ''",
		"SELECT 1 /* /* */ , file('/x') */",
		"SELECT \u201c'\u201d, file('/x'), \u201c'\u201d",
		"SELECT 1 // '\n, file('/x') // '",
		"SELECT 1 #'\n, 2",
		"SELECT 1\x00",
	} {
		require.NotEmpty(t, fence().Check(sql), sql)
	}
}

func TestFence_Allows(t *testing.T) {
	t.Parallel()
	for _, sql := range []string{
		"", "SELECT 1", "SELECT 'file(1)', \"url\", `remote` -- file(1)\n /* url(2) */",
		"SELECT file, url FROM t WHERE url = 'http://x' AND position(url, 'file(') > 0",
		"SELECT * FROM numbers(10), format(JSONEachRow, '{}'), view(SELECT 1), merge('d', 't')",
		"SELECT engine FROM system.tables WHERE engine = 'File'",
		"CREATE VIEW v AS SELECT engine FROM system.tables",
		"INSERT INTO file (a, b) VALUES (1, 2)",
		"CREATE TABLE t (url String, file String) ENGINE = MergeTree ORDER BY url TTL a TO DELETE",
		"CREATE TABLE t ON CLUSTER c (a Int8) ENGINE = ReplicatedMergeTree('/p', '{replica}') ORDER BY a",
		"CREATE MATERIALIZED VIEW v TO t AS SELECT replaceAll(a, 'x', 'y') FROM s",
		"CREATE DICTIONARY d (a UInt64) PRIMARY KEY a SOURCE(CLICKHOUSE(TABLE 't' DB 'd')) LAYOUT(HASHED()) LIFETIME(1)",
		"SELECT $tag$ file('x') $tag$, '\u201cfile(1)\u201d', 'Gr\u00fc\u00dfe'",
		"SELECT 1 SETTINGS additional_table_filters = {'t': 'a = ''x'''}",
		"SELECT f(a, '/x'), 'a/b', '/x' AS \"a/b\" FROM t WHERE a IN ('/x', '/y') AND b = '/z' GROUP BY a, '/x'",
		"SELECT trim(LEADING 'x' FROM 'xx'), splitByChar('/', '/a/b')[1] FROM t",
	} {
		require.Empty(t, fence().Check(sql), sql)
	}
}

func TestFence_CheckSetting(t *testing.T) {
	t.Parallel()
	f := fence()
	require.NotEmpty(t, f.CheckSetting("additional_result_filter", "length(file('/x')) > 0"))
	require.NotEmpty(t, f.CheckSetting("additional_table_filters", "{'t': 'a IN (SELECT * FROM file(''/x''))'}"))
	require.NotEmpty(t, f.CheckSetting("dialect", "kusto"))
	require.NotEmpty(t, f.CheckSetting("format_schema", "x.proto:M"))
	require.Empty(t, f.CheckSetting("additional_table_filters", "{'t': 'tenant = ''file'''}"))
	require.Empty(t, f.CheckSetting("dialect", "clickhouse"))
	require.Empty(t, f.CheckSetting("max_threads", "1"))
}

// No text makes the fence panic, and none without quotes or comments hides a
// call that follows it.
func FuzzFence(f *testing.F) {
	for _, seed := range []string{"", "'", "$a$", "/*", "--", "`", "\\", "x$a$", "1 /* */", "\u201c", "# ", "ENGINE =", "SOURCE(CLICKHOUSE("} {
		f.Add(seed)
	}
	guard := fence()
	f.Fuzz(func(t *testing.T, text string) {
		guard.Check(text)
		guard.CheckSetting("additional_result_filter", text)
		statement.Parse(text)
		if !strings.ContainsAny(text, "'\"`$/-#\\") && !strings.HasSuffix(strings.ToUpper(strings.TrimSpace(text)), "INTO") {
			require.NotEmpty(t, guard.Check(text+" file('/x')"), "%q", text)
		}
	})
}
