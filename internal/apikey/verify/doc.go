// Package verify decides whether a credential holds.
//
// A key that was used before costs one keyed hash of its secret and one map
// look-up. All else is the cold path, and is bounded: look-ups by Settings.MaxLookups,
// Argon2 by one run per key and Settings.MaxVerifications in all, what is
// remembered of failures by Settings.MaxNegative. The warm path takes no lock
// that the cold path holds while it waits.
//
// What is known of a key is in force until the change feed says otherwise. While
// the feed is silent, it is in force for Settings.MaxStale.
package verify
