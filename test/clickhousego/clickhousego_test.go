package clickhousego

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/testkit"
)

const driver = "github.com/ClickHouse/clickhouse-go/v2"

// packages are the driver's test packages, by the names in excluded.txt.
var packages = []string{"tests", "tests/std", "tests/issues"}

// nativeSubtests are the halves of tests that run over both protocols.
const nativeSubtests = `.*/(?i)^(native|tcp)`

// attempts is how often a failed test may run again: a handful of the driver's
// tests race an early exception against the first bytes of the answer.
const attempts = 3

func TestClickHouseGo(t *testing.T) {
	t.Parallel()
	suite := newSuite(t)
	excluded := readExcluded(t)
	var passed, total int
	for _, name := range packages {
		all := suite.list(t, name)
		total += len(all)
		selected := slices.DeleteFunc(slices.Clone(all), func(test string) bool { return excluded[name+" "+test] != "" })
		results := suite.run(t, name, selected)
		for range attempts {
			failed := slices.DeleteFunc(slices.Clone(selected), func(test string) bool { return results[test] == "pass" })
			if len(failed) == 0 {
				break
			}
			t.Logf("again: %s %v", name, failed)
			maps.Copy(results, suite.run(t, name, failed))
		}
		for _, test := range selected {
			if results[test] != "pass" {
				t.Errorf("%s %s: %s\n%s", name, test, results[test], suite.output[test])
				continue
			}
			passed++
		}
		for key := range excluded {
			if test, ok := strings.CutPrefix(key, name+" "); ok && !slices.Contains(all, test) && !suite.source.dropped[test] {
				t.Errorf("excluded.txt names %s, which the driver does not have", key)
			}
		}
	}
	fmt.Printf("FIGURE clickhousego_tests_passed %d\n", passed)
	fmt.Printf("FIGURE clickhousego_tests_excluded %d\n", len(excluded))
	fmt.Printf("FIGURE clickhousego_tests_total %d\n", total+len(suite.droppedTests()))
}

// suite is the driver's tests, ready to run against an engine of their own.
type suite struct {
	source *source
	module string // -modfile, which puts the changed copy in place of the driver
	env    []string
	output map[string]string // of failed tests
}

func newSuite(t *testing.T) *suite {
	t.Helper()
	root := goOutput(t, "list", "-m", "-f", "{{.Dir}}")
	original := goOutput(t, "list", "-m", "-f", "{{.Dir}}", driver)
	copied := filepath.Join(t.TempDir(), "clickhouse-go")
	require.NoError(t, os.CopyFS(copied, os.DirFS(original)))
	makeWritable(t, copied)
	source, err := prepare(copied)
	require.NoError(t, err)
	server := testkit.NewClickHouseServer(t)
	database := server.Database(t)
	host, port, err := net.SplitHostPort(database.Addr)
	require.NoError(t, err)
	return &suite{
		source: source, module: alternative(t, root, copied), output: map[string]string{},
		env: append(os.Environ(), "CGO_ENABLED=0", "CLICKHOUSE_USE_DOCKER=false", "CLICKHOUSE_HOST="+host,
			"CLICKHOUSE_HTTP_PORT="+port, "CLICKHOUSE_PORT=1", // nothing listens there
			"CLICKHOUSE_USERNAME="+database.User, "CLICKHOUSE_PASSWORD="+database.Password),
	}
}

// makeWritable: the module cache is read-only, and so is a copy of it.
func makeWritable(t *testing.T, dir string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		mode := os.FileMode(0o600)
		if entry.IsDir() {
			mode = 0o700
		}
		return os.Chmod(path, mode)
	}))
}

// alternative writes a go.mod like ours, but with the changed copy.
func alternative(t *testing.T, root, copied string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
		if name == "go.mod" {
			text = fmt.Appendf(text, "\nreplace %s => %s\n", driver, copied)
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), text, 0o600))
	}
	return filepath.Join(dir, "go.mod")
}

func goOutput(t *testing.T, args ...string) string {
	t.Helper()
	output, err := exec.Command("go", args...).Output()
	require.NoError(t, err)
	return strings.TrimSpace(string(output))
}

func (s *suite) test(name string, args ...string) *exec.Cmd {
	cmd := exec.Command("go", append([]string{"test", "-modfile", s.module, driver + "/" + name, "-timeout", "300s"}, args...)...)
	cmd.Env = s.env
	return cmd
}

// list returns the names of a package's tests.
func (s *suite) list(t *testing.T, name string) []string {
	t.Helper()
	output, err := s.test(name, "-list", ".").CombinedOutput()
	require.NoError(t, err, string(output))
	return slices.DeleteFunc(strings.Fields(string(output)), func(word string) bool { return !strings.HasPrefix(word, "Test") })
}

// run runs tests of a package. A test's result is "pass" only if it, or at
// least one of its subtests, did run to the end and none failed.
func (s *suite) run(t *testing.T, name string, tests []string) map[string]string {
	t.Helper()
	var output bytes.Buffer
	cmd := s.test(name, "-json", "-count=1", "-run", "^("+strings.Join(tests, "|")+")$", "-skip", nativeSubtests)
	cmd.Stdout, cmd.Stderr = &output, &output
	_ = cmd.Run() // the results say what failed
	results, leaves := map[string]string{}, map[string]int{}
	text := map[string]*strings.Builder{}
	for line := range bytes.Lines(output.Bytes()) {
		var event struct{ Action, Test, Output string }
		if json.Unmarshal(line, &event) != nil || event.Test == "" {
			continue
		}
		top, sub, isSub := strings.Cut(event.Test, "/")
		switch event.Action {
		case "output":
			if text[top] == nil {
				text[top] = &strings.Builder{}
			}
			text[top].WriteString(event.Output)
		case "pass", "fail", "skip":
			if isSub && event.Action == "pass" && sub != "" {
				leaves[top]++
			}
			if !isSub {
				results[top] = event.Action
			}
		}
	}
	for _, test := range tests {
		if results[test] == "pass" && leaves[test] == 0 && s.source.parents[test] {
			results[test] = "no subtest ran"
		}
		if results[test] != "pass" && text[test] != nil {
			s.output[test] = text[test].String()
		}
	}
	return results
}

// droppedTests are the tests that could not be compiled without Docker.
func (s *suite) droppedTests() []string {
	return slices.DeleteFunc(slices.Collect(maps.Keys(s.source.dropped)), func(name string) bool { return !strings.HasPrefix(name, "Test") })
}

// readExcluded reads excluded.txt: a package, a test, and the reason.
func readExcluded(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("excluded.txt")
	require.NoError(t, err)
	excluded := map[string]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Fields(line)
		require.GreaterOrEqual(t, len(fields), 3, "no reason: %s", line)
		excluded[fields[0]+" "+fields[1]] = strings.Join(fields[2:], " ")
	}
	return excluded
}
