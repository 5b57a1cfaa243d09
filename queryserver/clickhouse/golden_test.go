package clickhouse

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// goldenRange is the time range of the statements in testdata.
var goldenRange = queryserver.TimeRange{
	From: time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC), To: time.Date(2026, 1, 2, 4, 0, 0, 0, time.UTC),
}

// statements make what is rendered of a part, by name.
type statements map[string]func(queryserver.Scope) (chsql.Select, error)

// goldenViews are what callers may see, by the middle of the file's name.
func goldenViews() map[string]queryserver.Scope {
	in := tenant.Scope{Workspace: tenant.ID{0xa0}, Tenant: tenant.ID{0xa1}}
	return map[string]queryserver.Scope{
		"all":       scope(in),
		"service":   scope(in, []queryserver.Predicate{{Dimension: "service", Values: []string{"shop"}}}),
		"attribute": scope(in, []queryserver.Predicate{{Dimension: "team", Values: []string{"a", "b"}}}),
	}
}

// golden compares the statements of a part with testdata/<part>/<name>.<view>.sql.
// UPDATE_GOLDEN=1 writes the files. What a view cannot be answered within is left out.
func golden(t *testing.T, part string, of statements) {
	t.Helper()
	written := make(map[string]bool)
	for name, make := range of {
		for view, seen := range goldenViews() {
			query, err := make(seen)
			if view != "all" && queryserver.CodeOf(err) == queryserver.Forbidden {
				continue
			}
			require.NoError(t, err, "%s for %s", name, view)
			path := filepath.Join("testdata", part, name+"."+view+".sql")
			written[path] = true
			compareGolden(t, path, rendered(query.Statement()))
		}
	}
	left, err := filepath.Glob(filepath.Join("testdata", part, "*.sql"))
	require.NoError(t, err)
	for _, path := range left {
		require.True(t, written[path], "no statement is rendered as %s: remove it", path)
	}
}

func compareGolden(t *testing.T, path, text string) {
	t.Helper()
	if os.Getenv("UPDATE_GOLDEN") != "" {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "UPDATE_GOLDEN=1 writes it")
	require.Equal(t, string(want), text, path)
}

// rendered is a statement with its parameters, as comments.
func rendered(s chsql.Statement) string {
	var text strings.Builder
	text.WriteString(s.SQL + "\n")
	for _, name := range slices.Sorted(maps.Keys(s.Parameters)) {
		fmt.Fprintf(&text, "-- %s = %s\n", name, s.Parameters[name])
	}
	return text.String()
}

var (
	fromTable = regexp.MustCompile(`(?:FROM|JOIN) ([a-z][a-z0-9_]*)`)
	// scoped is how the WHERE of every storage table begins.
	scoped = regexp.MustCompile(`^ WHERE \(workspace_id = \{p\d+:UUID\}\) AND \(tenant_id = \{p\d+:UUID\}\)`)
	// filtered is what follows for callers who see less than all.
	filtered = map[string]*regexp.Regexp{
		"service": regexp.MustCompile(`^ AND \(service_name IN \{p\d+:Array\(String\)\}\)`),
		"attribute": regexp.MustCompile(`^ AND \((multiIf\(mapContains\(resource_attributes, \{p\d+:String\}\), resource_attributes\[\{p\d+:String\}\] IN ` +
			`|series_id IN \(SELECT series_id FROM metric_series WHERE )`),
	}
)

// Every golden file reads storage tables within the tenant, and within what the caller may
// see (rule 27).
func TestGolden_Scope(t *testing.T) {
	t.Parallel()
	found := 0
	require.NoError(t, filepath.WalkDir("testdata", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".sql") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		statement, _, _ := strings.Cut(string(text), "\n")
		name := strings.TrimSuffix(filepath.Base(path), ".sql")
		require.Empty(t, unscoped(statement, name[strings.LastIndex(name, ".")+1:]), path)
		found++
		return nil
	}))
	require.NotZero(t, found)
}

// unscoped gives what follows a table that is read without the tenant or the filter.
func unscoped(statement, view string) string {
	tables := fromTable.FindAllStringSubmatchIndex(statement, -1)
	if len(tables) == 0 {
		return "no table: " + statement
	}
	for _, at := range tables {
		rest := statement[at[1]:]
		where := scoped.FindString(rest)
		if where == "" {
			return statement[at[0]:]
		}
		if filter := filtered[view]; filter != nil && !filter.MatchString(rest[len(where):]) {
			// The list of series is filtered where it is read for the filter of samples.
			return statement[at[0]:]
		}
	}
	return ""
}

func TestUnscoped(t *testing.T) {
	t.Parallel()
	const tenant = " WHERE (workspace_id = {p1:UUID}) AND (tenant_id = {p2:UUID})"
	for statement, want := range map[string]bool{
		"SELECT 1 FROM logs" + tenant: true,
		"SELECT 1 FROM logs" + tenant + " AND (x IN (SELECT x FROM spans" + tenant + "))": true,
		"SELECT 1 FROM logs": false,
		"SELECT 1 FROM logs WHERE (tenant_id = {p2:UUID}) AND (workspace_id = {p1:UUID})": false,
		"SELECT 1 FROM logs" + tenant + " AND (x IN (SELECT x FROM spans))":               false,
		"SELECT 1 FROM logs AS l" + tenant:                                                false,
		"SELECT 1 FROM (SELECT 1 FROM logs" + tenant + ") JOIN spans ON 1":                false,
		"SELECT 1": false,
	} {
		require.Equal(t, want, unscoped(statement, "all") == "", statement)
	}
	service := "SELECT 1 FROM logs" + tenant
	require.NotEmpty(t, unscoped(service, "service"))
	require.NotEmpty(t, unscoped(service+" AND (timestamp > {p3:String}) AND (service_name IN {p3:Array(String)})", "service"))
	require.Empty(t, unscoped(service+" AND (service_name IN {p3:Array(String)})", "service"))
}
