package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// SigningKeys keep the keys of access tokens: see queryserver/auth/jwt.
type SigningKeys struct{ store *Store }

// SigningKeys is the store of the keys of access tokens.
func (s *Store) SigningKeys() SigningKeys { return SigningKeys{s} }

// Keys gives all keys.
func (k SigningKeys) Keys(ctx context.Context) ([]queryserver.SigningKey, error) {
	return call(ctx, k.store, pgx.RowToStructByPos[queryserver.SigningKey], "read_signing_keys")
}

// Add keeps a key, unless another one follows on the same key.
func (k SigningKeys) Add(ctx context.Context, key queryserver.SigningKey) error {
	_, err := call(ctx, k.store, pgx.RowTo[any], "add_signing_key", key.ID, key.Sealed, key.UseFrom, key.Previous)
	return err
}

// Delete removes keys.
func (k SigningKeys) Delete(ctx context.Context, ids []string) error {
	_, err := call(ctx, k.store, pgx.RowTo[any], "delete_signing_keys", ids)
	return err
}
