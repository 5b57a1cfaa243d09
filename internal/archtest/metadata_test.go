package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// declared is what a component's metadata.yaml says of its metrics.
type declared struct {
	Telemetry struct {
		Metrics map[string]instrument `yaml:"metrics"`
	} `yaml:"telemetry"`
}

type instrument struct {
	Description string `yaml:"description"`
	Unit        string `yaml:"unit"`
}

// What metadata.yaml declares and what the component's code makes are the same
// metrics: the code is written by hand in the form that mdatagen gives it.
func TestMetadata_Metrics(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(root, "*", "*", "metadata.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	all := 0
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		var says declared
		require.NoError(t, yaml.Unmarshal(content, &says), file)
		want := make(map[string]instrument)
		for name, one := range says.Telemetry.Metrics {
			want["otelcol_"+name] = one
		}
		require.Equal(t, want, instruments(t, filepath.Join(filepath.Dir(file), "internal", "metadata")), file)
		all += len(want)
	}
	require.Positive(t, all)
}

// instruments are the metrics that a package makes: calls with the name of one, and
// a description and a unit among the options.
func instruments(t *testing.T, folder string) map[string]instrument {
	t.Helper()
	found := make(map[string]instrument)
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	require.NoError(t, err)
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		require.NoError(t, err)
		ast.Inspect(file, func(node ast.Node) bool {
			if call, ok := node.(*ast.CallExpr); ok && strings.HasPrefix(text(call), "otelcol_") {
				found[text(call)] = described(call.Args[1:])
			}
			return true
		})
	}
	return found
}

func described(options []ast.Expr) instrument {
	var one instrument
	for _, option := range options {
		call, ok := option.(*ast.CallExpr)
		if !ok {
			continue
		}
		switch function, _ := call.Fun.(*ast.SelectorExpr); function.Sel.Name {
		case "WithDescription":
			one.Description = text(call)
		case "WithUnit":
			one.Unit = text(call)
		}
	}
	return one
}

// text is the first argument of a call if it is a string, written out or as a
// constant of the file and what follows it, or "".
func text(call *ast.CallExpr) string {
	if len(call.Args) == 0 {
		return ""
	}
	return stringOf(call.Args[0])
}

func stringOf(expression ast.Expr) string {
	switch e := expression.(type) {
	case *ast.BasicLit:
		if value, err := strconv.Unquote(e.Value); err == nil && e.Kind == token.STRING {
			return value
		}
	case *ast.BinaryExpr:
		if left := stringOf(e.X); left != "" && e.Op == token.ADD {
			return left + stringOf(e.Y)
		}
	case *ast.Ident:
		if e.Obj == nil {
			return ""
		}
		if value, ok := e.Obj.Decl.(*ast.ValueSpec); ok && e.Obj.Kind == ast.Con && len(value.Values) == 1 {
			return stringOf(value.Values[0])
		}
	}
	return ""
}
