package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Sealed is a secret as it is kept, and the row that it is sealed for.
type Sealed struct{ Table, Column, ID, Text string }

// sealedColumns are the secrets that are kept for long: their tables and columns, what
// they are sealed for, and how they are written back. Others are sealed for minutes only.
var sealedColumns = []struct{ table, column, read, write string }{ //nolint:gochecknoglobals // a table
	{
		"user_credentials", "totp_secret",
		"SELECT user_id::text, user_id::text, convert_from(totp_secret, 'UTF8') FROM user_credentials WHERE totp_secret IS NOT NULL FOR UPDATE",
		"UPDATE user_credentials SET totp_secret = convert_to($2, 'UTF8') WHERE user_id = $1::uuid",
	},
	{
		"sso_providers", "client_secret",
		"SELECT provider_id::text, concat_ws(' ', provider_id, kind, issuer), convert_from(client_secret, 'UTF8') FROM sso_providers WHERE client_secret IS NOT NULL FOR UPDATE",
		"UPDATE sso_providers SET client_secret = convert_to($2, 'UTF8') WHERE provider_id = $1::uuid",
	},
	{
		"signing_keys", "private_key",
		"SELECT key_id, key_id, sealed FROM signing_keys FOR UPDATE",
		"UPDATE signing_keys SET sealed = $2 WHERE key_id = $1",
	},
}

// Reseal gives each sealed secret of the installation to a function, and keeps what it
// makes of it, all in one transaction. It returns how many differ. The connection is of
// telemetryflow_owner, or of one who may be it: no server can read the secrets of all.
func Reseal(ctx context.Context, conn *pgx.Conn, remake func(Sealed) (string, error)) (changed int, err error) {
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET LOCAL ROLE telemetryflow_owner"); err != nil {
			return fmt.Errorf("become telemetryflow_owner: %w", err)
		}
		if _, err := tx.Exec(ctx, "SET LOCAL telemetryflow.system = 'on'"); err != nil {
			return fmt.Errorf("see all organizations: %w", err)
		}
		for _, of := range sealedColumns {
			n, err := resealColumn(ctx, tx, of.table, of.column, of.read, of.write, remake)
			if err != nil {
				return fmt.Errorf("seal %s.%s anew: %w", of.table, of.column, err)
			}
			changed += n
		}
		return nil
	})
	return changed, err
}

func resealColumn(ctx context.Context, tx pgx.Tx, table, column, read, write string, remake func(Sealed) (string, error)) (int, error) {
	type row struct{ Key, Bound, Text string }
	rows, err := tx.Query(ctx, read)
	if err != nil {
		return 0, err
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	if err != nil {
		return 0, err
	}
	batch := &pgx.Batch{}
	for _, r := range all {
		made, err := remake(Sealed{Table: table, Column: column, ID: r.Bound, Text: r.Text})
		if err != nil {
			return 0, err
		}
		if made != r.Text {
			batch.Queue(write, r.Key, made)
		}
	}
	return batch.Len(), tx.SendBatch(ctx, batch).Close()
}
