// Package httpapi is the frame of the HTTP API: listeners, limits, who calls, what a
// route needs, errors, pages, and the description of it all. The resources are added to
// it, one file each, as lists of routes:
//
//	func (u *users) Routes() []httpapi.Route {
//		return []httpapi.Route{
//			httpapi.JSON(httpapi.Requires(queryserver.UsersRead), httpapi.Operation{
//				Method: http.MethodGet, Path: "/api/v2/users", ID: "listUsers", Tag: "Users", Summary: "List users",
//			}, u.list),
//		}
//	}
//
//	func (u *users) list(ctx context.Context, call queryserver.Call, input *listInput) (*httpapi.List[User], error)
//
// A route without an access does not compile, and one with the zero Access is refused by
// [New]. The order in which a request is looked at is written in handler.go; whether its
// caller may do it is decided in guard.go and nowhere else.
package httpapi
