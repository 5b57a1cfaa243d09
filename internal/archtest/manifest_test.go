package archtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"golang.org/x/mod/modfile"
)

// manifest is builder-config.yaml, as OCB reads it.
type manifest struct {
	Receivers  []manifestEntry `yaml:"receivers"`
	Processors []manifestEntry `yaml:"processors"`
	Exporters  []manifestEntry `yaml:"exporters"`
	Extensions []manifestEntry `yaml:"extensions"`
	Connectors []manifestEntry `yaml:"connectors"`
	Providers  []manifestEntry `yaml:"providers"`
}

type manifestEntry struct {
	GoMod  string `yaml:"gomod"`
	Import string `yaml:"import"`
}

func (m manifest) entries() []manifestEntry {
	var all []manifestEntry
	for _, kind := range [][]manifestEntry{m.Receivers, m.Processors, m.Exporters, m.Extensions, m.Connectors, m.Providers} {
		all = append(all, kind...)
	}
	return all
}

func readManifest(t *testing.T, root string) manifest {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "builder-config.yaml"))
	require.NoError(t, err)
	var m manifest
	require.NoError(t, yaml.Unmarshal(text, &m))
	return m
}

func readModule(t *testing.T, path string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	file, err := modfile.Parse(path, text, nil)
	require.NoError(t, err)
	versions := make(map[string]string)
	for _, require := range file.Require {
		versions[require.Mod.Path] = require.Mod.Version
	}
	return versions
}

const root = "../.."

// Every component of ours on disk is in the distribution, and the other way round.
func TestManifest_Components(t *testing.T) {
	t.Parallel()
	m := readManifest(t, root)
	for kind, entries := range map[string][]manifestEntry{
		"receiver": m.Receivers, "processor": m.Processors, "exporter": m.Exporters, "extension": m.Extensions,
	} {
		var listed, present []string
		for _, entry := range entries {
			if strings.HasPrefix(entry.Import, module+"/") {
				listed = append(listed, relative(entry.Import))
			}
		}
		factories, err := filepath.Glob(filepath.Join(root, kind, "*", "factory.go"))
		require.NoError(t, err)
		for _, factory := range factories {
			folder, err := filepath.Rel(root, filepath.Dir(factory))
			require.NoError(t, err)
			present = append(present, folder)
		}
		require.ElementsMatch(t, present, listed, "builder-config.yaml and %s/ list the same components", kind)
	}
}

// A module that both the manifest and go.mod name has one version.
func TestManifest_Versions(t *testing.T) {
	t.Parallel()
	ours := readModule(t, filepath.Join(root, "go.mod"))
	for _, entry := range readManifest(t, root).entries() {
		path, version, found := strings.Cut(entry.GoMod, " ")
		require.True(t, found, "%q is not \"module version\"", entry.GoMod)
		if required, shared := ours[path]; shared && path != module {
			require.Equal(t, required, version, "%s in go.mod and in builder-config.yaml", path)
		}
	}
}

// OCB refuses a manifest of another minor version than its own.
func TestManifest_Builder(t *testing.T) {
	t.Parallel()
	tools := readModule(t, filepath.Join(root, "tools", "go.mod"))
	ours := readModule(t, filepath.Join(root, "go.mod"))
	require.Equal(t, ours["go.opentelemetry.io/collector/receiver/receivertest"], tools["go.opentelemetry.io/collector/cmd/builder"])
}
