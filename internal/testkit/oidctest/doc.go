// Package oidctest gives tests of single sign-on identity providers of their own, all
// over TLS on loopback:
//
//	provider := oidctest.NewProvider(t, oidctest.Client{…})   // npm's oidc-provider
//	rogue := oidctest.NewRogue(t)                             // answers what a test wants
//	github := oidctest.NewGitHub(t)                           // what is used of GitHub
//
// and a browser that fills in the forms of the first:
//
//	callback := oidctest.NewBrowser(provider.Roots).LogIn(t, authorizationURL, "ada")
//
// The first needs `make setup-test`.
package oidctest
