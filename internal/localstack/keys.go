package localstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/apikey/keyadmin"
	"github.com/telemetryflow/telemetryflow/internal/bootstrap"
	"github.com/telemetryflow/telemetryflow/internal/postgres"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// owner is whom a key is made for on the first run.
type owner struct {
	organization string
	workspace    string
	tenant       string
	keyName      string
}

// The user's first tenant, and the one of the system's own telemetry, which is an
// organization of its own so that no key of the user's can read or fill it.
var (
	firstOwner  = owner{organization: "default", workspace: "default", tenant: "default", keyName: "first key"}
	systemOwner = owner{organization: "telemetryflow", workspace: "system", tenant: "telemetry", keyName: "system telemetry"}
)

// Key is an API key with its secret.
type Key struct {
	ID     string
	Secret string
}

func (s *stack) makeKeys(ctx context.Context) error {
	pool, err := postgres.Open(s.state.AppURL(), postgres.App) //nolint:contextcheck // it opens no connection yet
	if err != nil {
		return fmt.Errorf("open the metadata: %w", err)
	}
	defer pool.Close()
	maker := keyMaker{pool: pool, admin: keyadmin.New(pool, "telemetryflow up")}
	if s.firstKey, err = maker.keep(ctx, firstOwner, s.folders.firstKey()); err != nil {
		return err
	}
	s.systemKey, err = maker.keep(ctx, systemOwner, s.folders.systemKey())
	return err
}

// keyMaker makes keys whose secrets stay in files that only the caller may read.
type keyMaker struct {
	pool  *postgres.Pool
	admin *keyadmin.Admin
}

// keep returns the key in the file while it is good, and makes one otherwise:
// on the first run, after one that was interrupted, when the key was revoked.
func (m keyMaker) keep(ctx context.Context, who owner, path string) (Key, error) {
	key, err := readKey(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return Key{}, err
	}
	binding, err := m.tenant(ctx, who)
	if err != nil {
		return Key{}, err
	}
	if key.ID != "" {
		good, err := m.good(ctx, binding, key.ID)
		if err != nil || good {
			return key, err
		}
	}
	_, credential, err := m.admin.Create(ctx, keyadmin.NewKey{
		Name: who.keyName, Kind: keyadmin.Tenant, Binding: binding,
		Permissions: []tenant.Permission{tenant.MetricsWrite, tenant.LogsWrite, tenant.TracesWrite},
		Limits:      keyadmin.Limits{}, // none: a first benchmark should not meet one
	})
	if err != nil {
		return Key{}, fmt.Errorf("make the %s: %w", who.keyName, err)
	}
	key = Key{ID: credential.ID.String(), Secret: credential.Secret}
	return key, writePrivate(path, []byte(key.ID+":"+key.Secret+"\n"))
}

// readKey reads id:secret.
func readKey(path string) (Key, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Key{}, fmt.Errorf("read the key: %w", err)
	}
	id, secret, _ := strings.Cut(strings.TrimSpace(string(text)), ":")
	if _, err := apikey.ParseID(id); err != nil || !apikey.ValidSecret(secret) {
		return Key{}, fmt.Errorf("%s does not hold id:secret: delete it, and a new key is made", path)
	}
	return Key{ID: id, Secret: secret}, nil
}

// good says whether the tenant still has the key, neither revoked nor expired.
func (m keyMaker) good(ctx context.Context, binding tenant.ID, id string) (bool, error) {
	known, err := m.admin.List(ctx, keyadmin.Filter{Kind: keyadmin.Tenant, Binding: binding})
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(known, func(key keyadmin.Key) bool {
		return key.ID == id && key.RevokedAt == nil && (key.ExpiresAt == nil || key.ExpiresAt.After(time.Now()))
	}), nil
}

// tenant finds or makes the tenant.
func (m keyMaker) tenant(ctx context.Context, who owner) (tenant.ID, error) {
	organization, err := m.organization(ctx, who)
	if err != nil {
		return tenant.ID{}, err
	}
	workspace, err := m.workspace(ctx, organization, who)
	if err != nil {
		return tenant.ID{}, err
	}
	tenants, err := bootstrap.ListTenants(ctx, m.pool, organization)
	if err != nil {
		return tenant.ID{}, err
	}
	for _, known := range tenants {
		if known.Workspace == workspace && known.Name == who.tenant {
			return known.ID, nil
		}
	}
	return bootstrap.CreateTenant(ctx, m.pool, organization, workspace, who.tenant)
}

func (m keyMaker) organization(ctx context.Context, who owner) (tenant.ID, error) {
	organizations, err := bootstrap.ListOrganizations(ctx, m.pool)
	if err != nil {
		return tenant.ID{}, err
	}
	for _, known := range organizations {
		if known.Name == who.organization {
			return known.ID, nil
		}
	}
	return bootstrap.CreateOrganization(ctx, m.pool, who.organization)
}

func (m keyMaker) workspace(ctx context.Context, organization tenant.ID, who owner) (tenant.ID, error) {
	workspaces, err := bootstrap.ListWorkspaces(ctx, m.pool, organization)
	if err != nil {
		return tenant.ID{}, err
	}
	for _, known := range workspaces {
		if known.Name == who.workspace {
			return known.ID, nil
		}
	}
	return bootstrap.CreateWorkspace(ctx, m.pool, organization, who.workspace)
}
