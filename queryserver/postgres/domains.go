package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/postgres/internal/dbgen"
)

// Domains are those that the organization of the call has proved, or set out to.
func (s *Store) Domains(ctx context.Context, call *queryserver.Call) ([]queryserver.Domain, error) {
	return s.domains(ctx, call, nil)
}

// Domain is one of them.
func (s *Store) Domain(ctx context.Context, call *queryserver.Call, domain string) (queryserver.Domain, error) {
	all, err := s.domains(ctx, call, &domain)
	if err != nil || len(all) == 0 {
		return queryserver.Domain{}, orNotFound(err, "there is no such domain")
	}
	return all[0], nil
}

func (s *Store) domains(ctx context.Context, call *queryserver.Call, one *string) (all []queryserver.Domain, err error) {
	err = s.read(ctx, call, func(q *dbgen.Queries) error {
		rows, err := q.ListDomains(ctx, one)
		for _, row := range rows {
			all = append(all, queryserver.Domain{Domain: row.Domain, Challenge: row.Challenge, CreatedAt: row.CreatedAt, VerifiedAt: row.VerifiedAt})
		}
		return err
	})
	return all, err
}

// CreateDomain begins the proof of a domain. Conflict: it has begun.
func (s *Store) CreateDomain(ctx context.Context, call *queryserver.Call, d *queryserver.Domain) error {
	return s.write(ctx, call, func(q *dbgen.Queries) (change, error) {
		var err error
		d.CreatedAt, err = q.InsertDomain(ctx, d.Domain, d.Challenge)
		return change{"domain.create", d.Domain, nil}, err
	})
}

// VerifyDomain ends it, now that the challenge was seen. Conflict: another organization
// has proved the domain.
func (s *Store) VerifyDomain(ctx context.Context, call *queryserver.Call, d *queryserver.Domain) error {
	err := s.write(ctx, call, func(q *dbgen.Queries) (change, error) {
		return change{"domain.verify", d.Domain, nil}, found(q.VerifyDomain(ctx, d.Domain, d.Challenge))
	})
	if queryserver.CodeOf(err) == queryserver.Conflict {
		return &queryserver.Error{Code: queryserver.Conflict, Message: "another organization has proved the domain to be its own", Cause: err}
	}
	return err
}

// DeleteDomain ends what the domain lets in. Users who came by it stay.
func (s *Store) DeleteDomain(ctx context.Context, call *queryserver.Call, domain string) error {
	return s.write(ctx, call, func(q *dbgen.Queries) (change, error) {
		return change{"domain.delete", domain, nil}, found(q.DeleteDomain(ctx, domain))
	})
}

// OrganizationOfDomain is the one that has proved a domain. NotFound: none has.
func (s *Store) OrganizationOfDomain(ctx context.Context, domain string) (tenant.ID, error) {
	rows, err := call(ctx, s, pgx.RowTo[*tenant.ID], "organization_of_domain", domain)
	if err != nil || len(rows) == 0 || rows[0] == nil {
		return tenant.ID{}, orNotFound(err, "no organization has proved the domain")
	}
	return *rows[0], nil
}
