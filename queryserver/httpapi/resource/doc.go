// Package resource has the resources of the HTTP API, one file each: what a route takes
// and gives, and whom it asks.
//
//	routes := slices.Concat(resource.Login(logins, cookies), resource.Users(directory), …)
package resource
