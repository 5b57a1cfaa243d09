package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/postgres/internal/dbgen"
)

// LoginProviders are what a login page may offer: those of the installation, and those of
// the organization of a name or of an e-mail address's verified domain. They have what
// is shown, and no more.
func (s *Store) LoginProviders(ctx context.Context, organization, email string) ([]queryserver.Provider, error) {
	return call(ctx, s, func(row pgx.CollectableRow) (p queryserver.Provider, err error) {
		var owner *tenant.ID
		err = row.Scan(&p.ID, &owner, &p.Name, &p.DisplayName, &p.Kind)
		p.Organization, p.Enabled = idOf(owner), true
		return p, err
	}, "login_providers", organization, email)
}

// LoginProvider is an enabled provider, whatever its organization.
func (s *Store) LoginProvider(ctx context.Context, id tenant.ID) (queryserver.Provider, error) {
	rows, err := call(ctx, s, func(row pgx.CollectableRow) (p queryserver.Provider, err error) {
		var owner *tenant.ID
		err = row.Scan(&p.ID, &owner, &p.Name, &p.DisplayName, &p.Kind, &p.Issuer, &p.ClientID, &p.Scopes, &p.Algorithms, &p.Parameters,
			&p.Directories, &p.LinkByVerifiedEmail, &p.Enabled, &p.CreatedAt, &p.Sealed)
		p.Organization = idOf(owner)
		return p, err
	}, "read_login_provider", id)
	if err != nil || len(rows) == 0 {
		return queryserver.Provider{}, orNotFound(err, "there is no such identity provider")
	}
	return rows[0], nil
}

func orNotFound(err error, message string) error {
	if err != nil {
		return err
	}
	return queryserver.Errorf(queryserver.NotFound, "%s", message)
}

func idOf(id *tenant.ID) tenant.ID {
	if id == nil {
		return tenant.ID{}
	}
	return *id
}

// Providers are those of the organization of the call.
func (s *Store) Providers(ctx context.Context, call *queryserver.Call) ([]queryserver.Provider, error) {
	return s.providers(ctx, call, nil)
}

// Provider is one of them.
func (s *Store) Provider(ctx context.Context, call *queryserver.Call, id tenant.ID) (queryserver.Provider, error) {
	all, err := s.providers(ctx, call, &id)
	if err != nil || len(all) == 0 {
		return queryserver.Provider{}, orNotFound(err, "there is no such identity provider")
	}
	return all[0], nil
}

func (s *Store) providers(ctx context.Context, call *queryserver.Call, id *tenant.ID) (all []queryserver.Provider, err error) {
	err = s.read(ctx, call, func(q *dbgen.Queries) error {
		rows, err := q.ListProviders(ctx, id)
		if err != nil {
			return err
		}
		for _, row := range rows {
			p := queryserver.Provider{
				ID: row.ProviderID, Organization: call.Scope.Organization(), Name: row.Name, DisplayName: row.DisplayName, Kind: row.Kind,
				Issuer: row.Issuer, ClientID: row.ClientID, Scopes: row.Scopes, Algorithms: row.Algorithms, Directories: row.Directories,
				LinkByVerifiedEmail: row.LinkByVerifiedEmail, Enabled: row.IsEnabled, CreatedAt: row.CreatedAt, Sealed: row.ClientSecret,
			}
			if err := decode(row.Parameters, &p.Parameters); err != nil {
				return err
			}
			all = append(all, p)
		}
		return nil
	})
	return all, err
}

// CreateProvider makes a provider under the ID that it has. Conflict: the name is taken.
func (s *Store) CreateProvider(ctx context.Context, call *queryserver.Call, p *queryserver.Provider) error {
	return s.write(ctx, call, func(q *dbgen.Queries) (change, error) {
		var err error
		p.CreatedAt, err = q.InsertProvider(ctx, dbgen.InsertProviderParams{
			ID: p.ID, Name: p.Name, DisplayName: p.DisplayName, Kind: p.Kind, Issuer: p.Issuer, ClientID: p.ClientID, ClientSecret: p.Sealed,
			Scopes: list(p.Scopes), Algorithms: list(p.Algorithms), Parameters: parameters(p), Directories: list(p.Directories),
			LinkByVerifiedEmail: p.LinkByVerifiedEmail, IsEnabled: p.Enabled,
		})
		return change{"sso_provider.create", p.ID.String(), map[string]any{"provider": p}}, err
	})
}

// UpdateProvider replaces a provider that was read with a sealed secret. Conflict: somebody
// else has changed the secret since.
func (s *Store) UpdateProvider(ctx context.Context, call *queryserver.Call, p *queryserver.Provider, read []byte) error {
	return s.write(ctx, call, func(q *dbgen.Queries) (change, error) {
		changed, err := q.UpdateProvider(ctx, dbgen.UpdateProviderParams{
			ID: p.ID, DisplayName: p.DisplayName, Kind: p.Kind, Issuer: p.Issuer, ClientID: p.ClientID, ClientSecret: p.Sealed,
			Scopes: list(p.Scopes), Algorithms: list(p.Algorithms), Parameters: parameters(p), Directories: list(p.Directories),
			LinkByVerifiedEmail: p.LinkByVerifiedEmail, IsEnabled: p.Enabled, ReadSecret: read,
		})
		if err == nil && changed == 0 {
			err = queryserver.Errorf(queryserver.Conflict, "somebody else has changed the identity provider: read it again")
		}
		return change{"sso_provider.update", p.ID.String(), map[string]any{"provider": p, "secretReplaced": string(p.Sealed) != string(read)}}, err
	})
}

// DeleteProvider deletes a provider with the identities there.
func (s *Store) DeleteProvider(ctx context.Context, call *queryserver.Call, id tenant.ID) error {
	return s.write(ctx, call, func(q *dbgen.Queries) (change, error) {
		return change{"sso_provider.delete", id.String(), nil}, found(q.DeleteProvider(ctx, id))
	})
}

// CreateInstallationProvider makes a provider of the whole installation, in an operator's name.
func (s *Store) CreateInstallationProvider(ctx context.Context, operator string, p *queryserver.Provider) error {
	_, err := call(ctx, s, pgx.RowTo[any], "create_installation_provider", operator, p.ID, p.Name, p.DisplayName, p.Kind, p.Issuer, p.ClientID,
		p.Sealed, list(p.Scopes), list(p.Algorithms), parameters(p), list(p.Directories), p.LinkByVerifiedEmail)
	return err
}

// DeleteInstallationProvider deletes one with the identities there; NotFound: there is none.
func (s *Store) DeleteInstallationProvider(ctx context.Context, operator, name string) error {
	was, err := call(ctx, s, pgx.RowTo[bool], "delete_installation_provider", operator, name)
	if err != nil {
		return err
	}
	return done(was[0], nil)
}

func list(texts []string) []string {
	if texts == nil {
		return []string{}
	}
	return texts
}

func parameters(p *queryserver.Provider) []byte {
	if p.Parameters == nil {
		return []byte("{}")
	}
	return encode(p.Parameters)
}

// BeginSSO keeps a login that goes to a provider, for the browser that comes back.
func (s *Store) BeginSSO(ctx context.Context, state, browser queryserver.Hash, pending queryserver.PendingSSO, expires time.Time) error {
	_, err := call(ctx, s, pgx.RowTo[any], "begin_sso_login", state[:], browser[:], pending.Provider, pending.Sealed, expires)
	return err
}

// FinishSSO gives it, once. NotFound: there is none of this browser, or it is over.
func (s *Store) FinishSSO(ctx context.Context, state, browser queryserver.Hash) (queryserver.PendingSSO, error) {
	rows, err := call(ctx, s, pgx.RowToStructByPos[queryserver.PendingSSO], "finish_sso_login", state[:], browser[:])
	if err != nil || len(rows) == 0 {
		return queryserver.PendingSSO{}, orNotFound(err, "there is no such login")
	}
	return rows[0], nil
}
