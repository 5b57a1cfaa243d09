package archtest

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/telemetryflow/telemetryflow"

// goPackage is the part of `go list -json` that the rules look at.
type goPackage struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
	Deps         []string
}

// list returns the packages of the module, by path relative to its root.
func list(t *testing.T) map[string]goPackage {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "list", "-deps=false", "-json=ImportPath,Imports,TestImports,XTestImports,Deps", module+"/...")
	output, err := command.Output()
	require.NoError(t, err, "go list")
	packages := make(map[string]goPackage)
	for decoder := json.NewDecoder(strings.NewReader(string(output))); ; {
		var p goPackage
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		packages[relative(p.ImportPath)] = p
	}
	require.NotEmpty(t, packages)
	return packages
}

func relative(path string) string {
	return strings.TrimPrefix(strings.TrimPrefix(path, module), "/")
}

// ours keeps the imports that belong to this module, as relative paths.
func ours(imports []string) []string {
	var kept []string
	for _, path := range imports {
		if path == module || strings.HasPrefix(path, module+"/") {
			kept = append(kept, relative(path))
		}
	}
	return kept
}

func within(path, folder string) bool { return path == folder || strings.HasPrefix(path, folder+"/") }

// component returns the folder of the Collector component that holds the
// package, such as receiver/tenantotlpreceiver, or "".
func component(path string) string {
	parts := strings.SplitN(path, "/", 3)
	kinds := []string{"receiver", "extension", "processor", "exporter"}
	if len(parts) < 2 || !slices.Contains(kinds, parts[0]) {
		return ""
	}
	return parts[0] + "/" + parts[1]
}

func TestArrows_Standalone(t *testing.T) {
	t.Parallel()
	packages := list(t)
	for _, path := range []string{"internal/tenant", "internal/chsql", "migrations"} {
		p, present := packages[path]
		if !present {
			continue
		}
		for _, dependency := range p.Deps {
			first, _, _ := strings.Cut(dependency, "/")
			require.False(t, strings.Contains(first, ".") && !strings.HasPrefix(dependency, "golang.org/x/") || strings.HasPrefix(dependency, module),
				"%s may import the standard library only, but depends on %s", path, dependency)
		}
	}
}

func TestArrows_Components(t *testing.T) {
	t.Parallel()
	for path, p := range list(t) {
		own := component(path)
		if own == "" {
			continue
		}
		for _, imported := range ours(p.Imports) {
			require.True(t, within(imported, own) || within(imported, "internal") || imported == "migrations",
				"%s may import its own packages, internal/ and migrations, but imports %s", path, imported)
		}
	}
}

func TestArrows_QueryServer(t *testing.T) {
	t.Parallel()
	for path, p := range list(t) {
		if !within(path, "queryserver") {
			continue
		}
		own := strings.Join(strings.SplitN(path, "/", 3)[:min(2, strings.Count(path, "/")+1)], "/")
		for _, imported := range ours(p.Imports) {
			if path == "queryserver" {
				require.Equal(t, "internal/tenant", imported, "the domain may import internal/tenant only")
				continue
			}
			require.True(t, imported == "queryserver" || within(imported, own) || within(imported, "internal") || imported == "migrations",
				"%s may import queryserver and internal/, never a sibling, but imports %s", path, imported)
		}
	}
}

func TestArrows_Internal(t *testing.T) {
	t.Parallel()
	for path, p := range list(t) {
		if !within(path, "internal") {
			continue
		}
		for _, imported := range ours(p.Imports) {
			if within(path, "internal/testkit") && component(imported) != "" {
				continue // the test kit stores telemetry as the collector does
			}
			require.True(t, within(imported, "internal") || imported == "migrations",
				"%s is shared by both halves and may not import %s", path, imported)
			require.False(t, within(imported, "internal/testkit") && !within(path, "internal/testkit"),
				"%s ships, so it may not import the test kit", path)
		}
	}
}

// Only cmd/telemetryflow knows everybody: nothing imports a command.
func TestArrows_Commands(t *testing.T) {
	t.Parallel()
	for path, p := range list(t) {
		for _, imported := range ours(p.Imports) {
			require.False(t, within(imported, "cmd"), "%s imports the command %s", path, imported)
		}
	}
}
