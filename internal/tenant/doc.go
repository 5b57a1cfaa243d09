// Package tenant says who is calling and in which tenant the call acts.
//
// A [Principal] is made from a verified credential, never from the caller's
// word. The processor asks it for a [Scope]:
//
//	scope, err := principal.Resolve(tenant.Choice{Tenant: id})
//
// The package imports the standard library only, so that every layer of the
// write and the read path can share it.
package tenant
