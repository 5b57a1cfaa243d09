// Package password hashes and verifies passwords, and says which may be chosen.
//
// Hashes are Argon2id in PHC string form. Hashes of bcrypt, of imported users, verify
// too and ask to be replaced. A hash costs tens of milliseconds of a processor by
// design, so hashes wait in a bounded line, and whoever guesses gets a small share of
// the processors; those who log in from a browser that is known have a line apart. What is verified are the exact bytes that were given: nothing is cut
// off, trimmed or normalised (OWASP ASVS 5.0, 6.2.8).
//
//	hasher, err := password.NewHasher(settings)
//	verdict, err := hasher.Verify(ctx, given, user.Hash)
//	if verdict.NeedsRehash { hash, err = hasher.Hash(ctx, given) }
//
//	err = hasher.Burn(ctx) // there is no such user: takes as long as a Verify
//
//	policy, err := password.NewPolicy(settings)
//	err = policy.Check(chosen, password.Owner{Email: email, MFA: true})
package password
