// Package keystore reads API keys from PostgreSQL and keeps them in Redis.
//
// What lies in Redis is sealed under a secret that only PostgreSQL hands out, so
// that a writer of Redis can neither make a key nor change one; and it is
// believed for at most its time to live, counted from the reading in PostgreSQL
// and written inside the seal, so that an old entry cannot be put back later.
package keystore
