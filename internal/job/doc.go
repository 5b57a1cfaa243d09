// Package job tells clients what became of a request.
//
// The id that a client is given, the receipt, holds all that was known when the
// request was on disk: where it is, whose it is, and how many items of it were taken.
// A message authentication code under the secret of its log proves it, so that nothing
// has to be stored per request. What has to be looked up is only how its batch ended:
// in the log itself ([Log]), or in what its collector has published ([Directory]).
package job
