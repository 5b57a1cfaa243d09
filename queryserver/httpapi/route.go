package httpapi

import (
	"context"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// Access is who may use a route. The zero Access is nobody's, and New refuses it.
type Access struct {
	kind       accessKind
	permission queryserver.Permission
}

type accessKind int

const (
	undeclared accessKind = iota
	public
	authenticated
	permitted
)

// Public lets everybody in, and looks at no credential.
func Public() Access { return Access{kind: public} }

// Authenticated lets in every caller who is proved.
func Authenticated() Access { return Access{kind: authenticated} }

// Requires lets in callers who are proved and have the permission.
func Requires(permission queryserver.Permission) Access {
	return Access{kind: permitted, permission: permission}
}

// String is public, authenticated, or the permission.
func (a Access) String() string {
	switch a.kind {
	case public:
		return "public"
	case authenticated:
		return "authenticated"
	case permitted:
		return string(a.permission)
	default:
		return "undeclared"
	}
}

func (a Access) declared() bool {
	return a.kind != undeclared && (a.kind != permitted || a.permission != "")
}

// allows is the decision. It is asked in one place, guard.go.
func (a Access) allows(scope queryserver.Scope) bool {
	switch a.kind {
	case public, authenticated:
		return true
	case permitted:
		return scope.Allows(a.permission)
	default:
		return false
	}
}

// Operation says what a route is, for the mux and for readers.
type Operation struct {
	Method string
	// Path is a template such as /api/v2/users/{id}.
	Path string
	// ID names the operation in generated clients, such as listUsers.
	ID          string
	Tag         string // the resource, such as Users
	Summary     string
	Description string
	// Status of success. Default: 200 with a body, 204 without.
	Status int
	// BodyBytes bounds the body when it is to be less than the setting.
	BodyBytes int64
}

// Route is one operation with its access and its handler. Only JSON, Stream and Raw make one.
type Route struct {
	access    Access
	operation Operation
	json      bool
	takesBody bool
	kinds     []string // media types of a stream
	register  func(api huma.API, operation huma.Operation)
	serve     func(w http.ResponseWriter, r *http.Request, call queryserver.Call) error
}

// Access is who may use the route.
func (r Route) Access() Access { return r.access }

// Method is the HTTP method.
func (r Route) Method() string { return r.operation.Method }

// Path is the template of the path.
func (r Route) Path() string { return r.operation.Path }

func (r Route) pattern() string { return r.operation.Method + " " + r.operation.Path }

// JSON is a route of the described API. Input and Output are structs as huma reads them:
// fields with path, query and header tags, and Body. On a public route the call knows
// its Client alone. Errors are *queryserver.Error; every other is an internal one.
//
// A handler of GET must not change anything (ASVS 3.5.3): it is served without looking
// for forgery.
func JSON[Input, Output any](access Access, operation Operation, handle func(context.Context, queryserver.Call, *Input) (*Output, error)) Route {
	_, takesBody := reflect.TypeFor[Input]().FieldByName("Body")
	return Route{
		access: access, operation: operation, json: true, takesBody: takesBody,
		register: func(api huma.API, described huma.Operation) {
			huma.Register(api, described, func(ctx context.Context, input *Input) (*Output, error) {
				output, err := handle(ctx, exchangeOf(ctx).caller(), input)
				if err != nil {
					return nil, exchangeOf(ctx).problem(err)
				}
				return output, nil
			})
		},
	}
}

// Raw is a route that is not JSON, such as a page or a redirect of single sign-on. It is
// guarded like any other. An error is answered as a problem, unless the handler has
// begun to answer.
func Raw(access Access, operation Operation, serve func(http.ResponseWriter, *http.Request, queryserver.Call) error) Route {
	return Route{access: access, operation: operation, takesBody: true, serve: serve}
}
