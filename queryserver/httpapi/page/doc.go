// Package page has the few pages that the server renders itself: the set-up of the first
// user, login, and who is logged in. They have no script.
package page
