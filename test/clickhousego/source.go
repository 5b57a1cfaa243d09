package clickhousego

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// dockerPackages are imported by the tests' helper to start servers in
// containers. We start none, and leave them out with all that uses them.
var dockerPackages = []string{
	"github.com/docker/go-units", "github.com/moby/moby/api/types/container", "github.com/moby/moby/client",
	"github.com/testcontainers/testcontainers-go", "github.com/testcontainers/testcontainers-go/wait",
}

// source is a copy of the driver with the changes that let its tests run here.
type source struct {
	dir     string          // of the copy's tests
	dropped map[string]bool // what needed Docker: helpers and tests
	parents map[string]bool // tests that do their work in subtests
}

// prepare changes the tests of a copy of the driver: nothing needs Docker, and
// the connections that the set-up makes for itself speak HTTP.
func prepare(copied string) (*source, error) {
	s := &source{dir: filepath.Join(copied, "tests"), dropped: map[string]bool{}, parents: map[string]bool{}}
	if err := s.change(filepath.Join(s.dir, "utils.go")); err != nil {
		return nil, err
	}
	err := filepath.WalkDir(s.dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" || entry.Name() == "utils.go" && filepath.Dir(path) == s.dir {
			return err
		}
		return s.change(path)
	})
	return s, err
}

// change rewrites one file, if there is something to change.
func (s *source) change(path string) error {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, 0)
	if err != nil {
		return fmt.Errorf("read the driver's tests: %w", err)
	}
	s.findParents(file)
	packages := imported(file, dockerPackages)
	if len(packages) == 0 && !mentions(file, s.dropped) {
		return nil
	}
	for again := true; again; { // a helper that is dropped takes its callers along
		before := len(s.dropped)
		file.Decls = slices.DeleteFunc(file.Decls, func(decl ast.Decl) bool { return s.drop(decl, packages) })
		again = len(s.dropped) > before
	}
	for _, decl := range file.Decls {
		if function, ok := decl.(*ast.FuncDecl); ok && slices.Contains(setUp, function.Name.Name) {
			overHTTP(function)
		}
	}
	dropUnusedImports(file)
	var text bytes.Buffer
	if err := printer.Fprint(&text, files, file); err != nil {
		return err
	}
	return os.WriteFile(path, text.Bytes(), 0o600)
}

// findParents remembers the tests that run subtests: if the native half is all
// there is, nothing is left to run, and that must not count as a success.
func (s *source) findParents(file *ast.File) {
	for _, decl := range file.Decls {
		function, ok := decl.(*ast.FuncDecl)
		if !ok || !strings.HasPrefix(function.Name.Name, "Test") {
			continue
		}
		ast.Inspect(function, func(node ast.Node) bool {
			call, ok := node.(*ast.CallExpr)
			if !ok {
				return true
			}
			if selector, ok := call.Fun.(*ast.SelectorExpr); ok && (selector.Sel.Name == "Run" || selector.Sel.Name == "TestProtocols") {
				s.parents[function.Name.Name] = true
			}
			if name, ok := call.Fun.(*ast.Ident); ok && name.Name == "TestProtocols" {
				s.parents[function.Name.Name] = true
			}
			return true
		})
	}
}

// setUp are the helpers that connect to ask for the version and to make the
// tests' database.
var setUp = []string{"setVersion", "getConnectionWithMutator"}

// environment is the type that tests take the server's address from. It and
// the function that makes it stay, without the container.
const environment = "ClickHouseTestEnvironment"

// drop reports whether a declaration needs Docker, and remembers its name.
func (s *source) drop(decl ast.Decl, packages map[string]bool) bool {
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		if decl.Name.Name == "Runtime" {
			withoutContainer(decl.Body)
			return false
		}
		if !uses(decl, packages) && !mentions(decl, s.dropped) {
			return false
		}
		s.dropped[decl.Name.Name] = true
		return true
	case *ast.GenDecl:
		if decl.Tok != token.TYPE || !uses(decl, packages) {
			return false
		}
		spec, ok := decl.Specs[0].(*ast.TypeSpec)
		if ok && spec.Name.Name == environment {
			fields := spec.Type.(*ast.StructType).Fields //nolint:forcetypeassert // it is a struct
			fields.List = slices.DeleteFunc(fields.List, func(field *ast.Field) bool { return uses(field, packages) })
			return false
		}
		s.dropped[spec.Name.Name] = true
		return true
	}
	return false
}

// withoutContainer removes the case that starts one.
func withoutContainer(body *ast.BlockStmt) {
	for _, statement := range body.List {
		if choice, ok := statement.(*ast.SwitchStmt); ok {
			choice.Body.List = slices.DeleteFunc(choice.Body.List, func(clause ast.Stmt) bool {
				return mentions(clause, map[string]bool{"CreateClickHouseTestEnvironment": true})
			})
		}
	}
}

// overHTTP makes a function's connections use the HTTP port and protocol.
func overHTTP(function *ast.FuncDecl) {
	ast.Inspect(function, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.SelectorExpr:
			switch node.Sel.Name {
			case "Native":
				node.Sel.Name = "HTTP"
			case "Port":
				node.Sel.Name = "HttpPort"
			}
		case *ast.CompositeLit:
			if isOptions(node) && !hasKey(node, "Protocol") {
				node.Elts = append(node.Elts, &ast.KeyValueExpr{Key: ast.NewIdent("Protocol"), Value: ast.NewIdent("clickhouse.HTTP")})
			}
		}
		return true
	})
}

func isOptions(literal *ast.CompositeLit) bool {
	selector, ok := literal.Type.(*ast.SelectorExpr)
	return ok && selector.Sel.Name == "Options"
}

func hasKey(literal *ast.CompositeLit, key string) bool {
	return slices.ContainsFunc(literal.Elts, func(element ast.Expr) bool {
		pair, ok := element.(*ast.KeyValueExpr)
		if !ok {
			return false
		}
		name, ok := pair.Key.(*ast.Ident)
		return ok && name.Name == key
	})
}

// imported returns the names by which a file knows packages.
func imported(file *ast.File, packages []string) map[string]bool {
	names := map[string]bool{}
	for _, spec := range file.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		if slices.Contains(packages, path) {
			names[importName(spec)] = true
		}
	}
	return names
}

func importName(spec *ast.ImportSpec) string {
	if spec.Name != nil {
		return spec.Name.Name
	}
	path, _ := strconv.Unquote(spec.Path.Value)
	name := path[strings.LastIndexByte(path, '/')+1:]
	if name == "v2" {
		return "clickhouse"
	}
	return strings.TrimSuffix(strings.TrimPrefix(name, "go-"), "-go")
}

// uses reports whether a node selects from one of the packages.
func uses(node ast.Node, packages map[string]bool) bool {
	found := false
	ast.Inspect(node, func(node ast.Node) bool {
		if selector, ok := node.(*ast.SelectorExpr); ok {
			if name, ok := selector.X.(*ast.Ident); ok && packages[name.Name] {
				found = true
			}
		}
		return !found
	})
	return found
}

// mentions reports whether a node uses one of the names.
func mentions(node ast.Node, names map[string]bool) bool {
	found := false
	ast.Inspect(node, func(node ast.Node) bool {
		if identifier, ok := node.(*ast.Ident); ok && names[identifier.Name] {
			found = true
		}
		return !found
	})
	return found
}

func dropUnusedImports(file *ast.File) {
	used := map[string]bool{}
	ast.Inspect(file, func(node ast.Node) bool {
		if selector, ok := node.(*ast.SelectorExpr); ok {
			if name, ok := selector.X.(*ast.Ident); ok {
				used[name.Name] = true
			}
		}
		return true
	})
	for _, decl := range file.Decls {
		if imports, ok := decl.(*ast.GenDecl); ok && imports.Tok == token.IMPORT {
			imports.Specs = slices.DeleteFunc(imports.Specs, func(spec ast.Spec) bool {
				one, ok := spec.(*ast.ImportSpec)
				return ok && !used[importName(one)]
			})
		}
	}
}
