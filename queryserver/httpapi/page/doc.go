// Package page has the few pages that the server renders itself: the set-up of the first
// user, login, what the links of e-mails lead to, and the account of who is logged in.
//
// They work without script, but for one: the code of an e-mail's link stands after #, which
// browsers send to nobody, and page.js moves it into the form. Forms come from this server
// alone: guard.go of httpapi refuses others.
package page
