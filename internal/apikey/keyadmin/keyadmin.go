package keyadmin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// DefaultGrace is how long the old secret still works after a rotation: a day,
// so that every agent can be given the new one.
const DefaultGrace = 24 * time.Hour

// DefaultRequestsPerMinute is the request limit of a key that names none.
const DefaultRequestsPerMinute = 1000

var (
	// ErrNotFound means that there is no such key, or that it is revoked.
	ErrNotFound = errors.New("there is no such API key, or it is revoked")
	// ErrNoBinding means that the tenant, workspace or organization is unknown.
	ErrNoBinding = errors.New("there is no such tenant, workspace or organization")
)

// Kind is what a key is bound to.
type Kind string

// The kinds of binding, narrow to wide.
const (
	Tenant       Kind = "tenant"
	Workspace    Kind = "workspace"
	Organization Kind = "organization"
)

// Limits of a key. Zero means none.
type Limits struct {
	RequestsPerMinute int   `json:"requestsPerMinute"`
	ItemsPerSecond    int64 `json:"itemsPerSecond"`
	BytesPerSecond    int64 `json:"bytesPerSecond"`
}

// NewKey says what to create.
type NewKey struct {
	Name        string
	Kind        Kind
	Binding     tenant.ID
	Permissions []tenant.Permission
	Limits      Limits
	ExpiresAt   *time.Time
}

// Key is what may be shown of a key.
type Key struct {
	ID            string              `json:"keyId"`
	Name          string              `json:"name"`
	Organization  tenant.ID           `json:"organizationId"`
	Workspace     *tenant.ID          `json:"workspaceId,omitempty"`
	Tenant        *tenant.ID          `json:"tenantId,omitempty"`
	Permissions   []tenant.Permission `json:"permissions"`
	Limits        Limits              `json:"limits"`
	CreatedAt     time.Time           `json:"createdAt"`
	ExpiresAt     *time.Time          `json:"expiresAt,omitempty"`
	RevokedAt     *time.Time          `json:"revokedAt,omitempty"`
	PreviousUntil *time.Time          `json:"previousSecretUntil,omitempty"`
	LastUsedAt    *time.Time          `json:"lastUsedAt,omitempty"`
}

// Beginner starts transactions: a *pgx.Conn or a *pgxpool.Pool.
type Beginner interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}

// Admin changes keys in the name of an actor, which the audit trail shows.
type Admin struct {
	db    Beginner
	actor string
}

// New returns an Admin that works through db.
func New(db Beginner, actor string) *Admin { return &Admin{db: db, actor: actor} }

// Create stores a new key and returns it with its credential, whose secret is
// stored nowhere else.
func (a *Admin) Create(ctx context.Context, key NewKey) (Key, apikey.Credential, error) {
	credential := apikey.NewCredential()
	hash, err := apikey.Hash(credential.Secret)
	if err != nil {
		return Key{}, apikey.Credential{}, err
	}
	var created Key
	err = a.do(ctx, func(tx pgx.Tx) error {
		var organization tenant.ID
		var workspace, only *tenant.ID
		err := tx.QueryRow(ctx, "SELECT organization_id, workspace_id, tenant_id FROM find_binding($1, $2)",
			string(key.Kind), key.Binding).Scan(&organization, &workspace, &only)
		if errors.Is(err, pgx.ErrNoRows) {
			return ErrNoBinding
		}
		if err != nil {
			return fmt.Errorf("find the key's %s: %w", key.Kind, err)
		}
		if err := enter(ctx, tx, organization); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO api_keys (key_id, organization_id, workspace_id, tenant_id, name, permissions,
				secret_hash, requests_per_minute, items_per_second, bytes_per_second, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
			credential.ID.String(), organization, workspace, only, key.Name, texts(key.Permissions), hash,
			key.Limits.RequestsPerMinute, key.Limits.ItemsPerSecond, key.Limits.BytesPerSecond, key.ExpiresAt)
		if err != nil {
			return fmt.Errorf("store the API key: %w", err)
		}
		created, err = one(ctx, tx, organization, credential.ID)
		return err
	})
	if err != nil {
		return Key{}, apikey.Credential{}, err
	}
	return created, credential, nil
}

// Rotate gives a key a new secret and returns it. The old one works until the
// grace is over; with none it stops at once.
func (a *Admin) Rotate(ctx context.Context, id apikey.ID, grace time.Duration) (Key, apikey.Credential, error) {
	credential := apikey.Credential{ID: id, Secret: apikey.NewSecret()}
	hash, err := apikey.Hash(credential.Secret)
	if err != nil {
		return Key{}, apikey.Credential{}, err
	}
	key, err := a.change(ctx, id, "rotate_api_key($1, $2, $3)", id.String(), hash, grace)
	if err != nil {
		return Key{}, apikey.Credential{}, err
	}
	return key, credential, nil
}

// Revoke ends a key for good.
func (a *Admin) Revoke(ctx context.Context, id apikey.ID) (Key, error) {
	return a.change(ctx, id, "revoke_api_key($1)", id.String())
}

// change calls one of the schema's functions that answer whether they found the key.
func (a *Admin) change(ctx context.Context, id apikey.ID, call string, args ...any) (Key, error) {
	var key Key
	err := a.do(ctx, func(tx pgx.Tx) error {
		var organization *tenant.ID
		if err := tx.QueryRow(ctx, "SELECT organization_of_api_key($1)", id.String()).Scan(&organization); err != nil {
			return fmt.Errorf("find the API key's organization: %w", err)
		}
		if organization == nil {
			return ErrNotFound
		}
		if err := enter(ctx, tx, *organization); err != nil {
			return err
		}
		var found bool
		if err := tx.QueryRow(ctx, "SELECT "+call, args...).Scan(&found); err != nil {
			return fmt.Errorf("change the API key: %w", err)
		}
		if !found {
			return ErrNotFound
		}
		var err error
		key, err = one(ctx, tx, *organization, id)
		return err
	})
	return key, err
}

// do runs work in a transaction. telemetryflow.system lets telemetryflow_owner
// call the schema's functions; to other roles it gives nothing.
func (a *Admin) do(ctx context.Context, work func(pgx.Tx) error) error {
	tx, err := a.db.Begin(ctx)
	if err != nil {
		return fmt.Errorf("begin a transaction: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // a no-op after Commit
	_, err = tx.Exec(ctx, "SELECT set_config('telemetryflow.system', 'on', true), set_config('telemetryflow.actor', $1, true)", a.actor)
	if err != nil {
		return fmt.Errorf("name the actor: %w", err)
	}
	if err := work(tx); err != nil {
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// enter sets the scope of the transaction: row-level security then shows the
// rows of the organization.
func enter(ctx context.Context, tx pgx.Tx, organization tenant.ID) error {
	if _, err := tx.Exec(ctx, "SELECT set_config('telemetryflow.organization_id', $1, true)", organization.String()); err != nil {
		return fmt.Errorf("enter the organization: %w", err)
	}
	return nil
}

func texts(permissions []tenant.Permission) []string {
	out := make([]string, len(permissions))
	for i, permission := range permissions {
		out[i] = string(permission)
	}
	return out
}
