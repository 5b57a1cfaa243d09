// Package postgres keeps what the query server knows of users, roles, sessions and the
// rest of the metadata.
//
//	store := postgres.New(pool)
//	account, found, err := store.FindLogin(ctx, "ada@example.com")
//
// Statements are in query/*.sql; `make generate` makes internal/dbgen of them. Each method
// is one transaction in the scope of one organization, and what changes something writes
// its entry of the audit trail in the same one.
package postgres
