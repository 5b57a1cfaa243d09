package keyadmin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/postgres"
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

// Admin changes keys in the name of an actor, which the audit trail shows.
type Admin struct {
	pool   *postgres.Pool
	actor  Actor
	within tenant.ID // zero: every organization
}

// Actor is who changes keys, and from where, as the audit trail knows it.
type Actor struct {
	Kind      string // empty: an operator
	ID        string
	Client    string // an IP address; empty: of this machine
	RequestID string
}

// New returns an Admin of all organizations' keys that works through the pool, whose
// role is postgres.App.
func New(pool *postgres.Pool, actor string) *Admin {
	return &Admin{pool: pool, actor: Actor{ID: actor}}
}

// Within returns an Admin of one organization's keys. Others' keys do not exist for it.
func Within(pool *postgres.Pool, organization tenant.ID, actor Actor) *Admin {
	return &Admin{pool: pool, actor: actor, within: organization}
}

// reaches says whether an organization is among those that the Admin is for.
func (a *Admin) reaches(organization tenant.ID) bool {
	return a.within.IsZero() || a.within == organization
}

// Create stores a new key and returns it with its credential, whose secret is
// stored nowhere else.
func (a *Admin) Create(ctx context.Context, key NewKey) (Key, apikey.Credential, error) {
	credential := apikey.NewCredential()
	hash, err := apikey.Hash(credential.Secret)
	if err != nil {
		return Key{}, apikey.Credential{}, err
	}
	bound, err := a.findBinding(ctx, key.Kind, key.Binding)
	if err != nil {
		return Key{}, apikey.Credential{}, err
	}
	var created Key
	err = a.in(ctx, bound.Organization, func(tx pgx.Tx) error {
		_, err = tx.Exec(ctx, `INSERT INTO api_keys (key_id, organization_id, workspace_id, tenant_id, name, permissions,
				secret_hash, requests_per_minute, items_per_second, bytes_per_second, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
			credential.ID.String(), bound.Organization, bound.Workspace, bound.Tenant, key.Name, texts(key.Permissions), hash,
			key.Limits.RequestsPerMinute, key.Limits.ItemsPerSecond, key.Limits.BytesPerSecond, key.ExpiresAt)
		if err != nil {
			return fmt.Errorf("store the API key: %w", err)
		}
		created, err = one(ctx, tx, credential.ID)
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
	rows, _ := a.pool.Call(ctx, "organization_of_api_key", id.String()) // CollectExactlyOneRow returns its error
	organization, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[*tenant.ID])
	if err != nil {
		return Key{}, fmt.Errorf("find the API key's organization: %w", err)
	}
	if organization == nil || !a.reaches(*organization) {
		return Key{}, ErrNotFound
	}
	var key Key
	err = a.in(ctx, *organization, func(tx pgx.Tx) error {
		var found bool
		if err := tx.QueryRow(ctx, "SELECT "+call, args...).Scan(&found); err != nil {
			return fmt.Errorf("change the API key: %w", err)
		}
		if !found {
			return ErrNotFound
		}
		key, err = one(ctx, tx, id)
		return err
	})
	return key, err
}

// in runs work in a transaction that sees the organization's rows, under the
// actor's name.
func (a *Admin) in(ctx context.Context, organization tenant.ID, work func(pgx.Tx) error) error {
	return a.pool.InScope(ctx, postgres.Organization(organization), func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `SELECT set_config('telemetryflow.actor', $1, true), set_config('telemetryflow.actor_kind', $2, true),
			set_config('telemetryflow.client_ip', $3, true), set_config('telemetryflow.request_id', $4, true)`,
			a.actor.ID, a.actor.Kind, a.actor.Client, a.actor.RequestID)
		if err != nil {
			return fmt.Errorf("name the actor: %w", err)
		}
		return work(tx)
	})
}

func texts(permissions []tenant.Permission) []string {
	out := make([]string, len(permissions))
	for i, permission := range permissions {
		out[i] = string(permission)
	}
	return out
}
