//go:build linux

package queryserver

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The description of the API is complete: a client that is generated from it compiles
// under the strictest rules, and works against the server.
func TestTypedClient(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, name := range []string{"bob", "cem", "dora", "eve"} {
		s.create(t, name+"@example.com", "Viewer")
	}
	folder := typedClient(t)
	response, err := s.client(t).Get(s.url + "/openapi.json")
	require.NoError(t, err)
	defer response.Body.Close()
	description, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	requireComplete(t, description)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "openapi.json"), description, 0o600))

	node := func(arguments ...string) string {
		command := exec.CommandContext(t.Context(), "node", arguments...)
		command.Dir = folder
		command.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+s.cert.CertFile, "URL_OF_SERVER="+s.url,
			"EMAIL="+email, "PASSWORD="+secret, "USERS="+strconv.Itoa(5))
		output, err := command.CombinedOutput()
		require.NoError(t, err, "node %s\n%s", strings.Join(arguments, " "), output)
		return string(output)
	}
	node("node_modules/openapi-typescript/bin/cli.js", "openapi.json", "--output", "api.d.ts")
	node("node_modules/typescript/bin/tsc", "--project", "tsconfig.json")
	require.Contains(t, node("out/validate.js", "openapi.json"), "OpenAPI 3.1")
	require.Contains(t, node("out/client.js"), "typed client: done")
}

// typedClient is a folder with the sources and the packages.
func typedClient(t *testing.T) string {
	t.Helper()
	wanted, err := os.ReadFile("typedclient/package-lock.json")
	require.NoError(t, err)
	installation, err := filepath.Abs("../../.cache/typedclient")
	require.NoError(t, err)
	found, _ := os.ReadFile(filepath.Join(installation, "installed-lock.json"))
	require.True(t, bytes.Equal(wanted, found), "the packages of typedclient are not installed, or others are: run make setup-test")
	folder := t.TempDir()
	require.NoError(t, os.Symlink(filepath.Join(installation, "node_modules"), filepath.Join(folder, "node_modules")))
	for _, name := range []string{"client.ts", "validate.ts", "tsconfig.json", "package.json"} {
		text, err := os.ReadFile(filepath.Join("typedclient", name))
		require.NoError(t, err)
		require.NotRegexp(t, `(: |<|as )any\b|@ts-`, string(text), "%s goes round the types", name)
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), text, 0o600))
	}
	return folder
}

// requireComplete wants of every operation what a generator needs: a name, and a schema
// for each answer, errors included.
func requireComplete(t *testing.T, description []byte) {
	t.Helper()
	type answer struct {
		Content map[string]struct{ Schema map[string]any }
	}
	type operation struct {
		OperationID, Summary string
		Tags                 []string
		Security             []map[string][]string
		Responses            map[string]answer
	}
	var whole struct {
		Paths map[string]map[string]operation
	}
	require.NoError(t, json.Unmarshal(description, &whole))
	names := map[string]bool{}
	for path, methods := range whole.Paths {
		for method, o := range methods {
			at := method + " " + path
			require.NotEmpty(t, o.OperationID, at)
			require.False(t, names[o.OperationID], "%s: the name %s comes twice", at, o.OperationID)
			names[o.OperationID] = true
			require.NotEmpty(t, o.Summary, at)
			require.NotEmpty(t, o.Tags, at)
			require.NotEmpty(t, o.Security, at)
			require.Contains(t, o.Responses["default"].Content, "application/problem+json", at)
			succeeds := false
			for status, response := range o.Responses {
				code, _ := strconv.Atoi(status)
				succeeds = succeeds || code >= 200 && code < 400
				if status == strconv.Itoa(http.StatusNoContent) || code >= 300 && code < 400 {
					require.Empty(t, response.Content, at)
					continue
				}
				require.NotEmpty(t, response.Content, "%s: the answer %s has no schema", at, status)
				for kind, media := range response.Content {
					require.NotEmpty(t, media.Schema, "%s: %s of the answer %s has no schema", at, kind, status)
				}
			}
			require.True(t, succeeds, "%s: success is not described", at)
		}
	}
	require.Greater(t, len(names), 40)
}
