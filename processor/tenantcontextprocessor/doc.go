// Package tenantcontextprocessor binds every resource to the tenant of the API
// key that sent it. It is the wall of the write path: whatever receiver stands
// before it, nothing passes without a verified principal, the permission for
// the signal, and a tenant that the principal covers.
//
// It also refuses items whose time lies outside of the accepted window. What it
// removes it reports through the request's receipt, and so in partial_success.
//
//	binding.go                   the tenancy rule, for one request
//	window.go                    the time rule
//	traces.go metrics.go logs.go walking the data of each signal
package tenantcontextprocessor
