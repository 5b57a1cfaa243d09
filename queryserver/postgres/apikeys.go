package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/apikey/keyadmin"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// keys administers the keys of the organization of a call, in its name.
func (s *Store) keys(call *queryserver.Call) *keyadmin.Admin {
	actor := keyadmin.Actor{Kind: string(call.Subject.Kind), ID: call.Subject.ID, RequestID: call.Client.RequestID}
	if call.Client.IP.IsValid() {
		actor.Client = call.Client.IP.String()
	}
	return keyadmin.Within(s.pool, call.Scope.Organization(), actor)
}

// APIKeys lists the keys of the organization, revoked ones included.
func (s *Store) APIKeys(ctx context.Context, call *queryserver.Call) ([]queryserver.APIKey, error) {
	found, err := s.keys(call).List(ctx, keyadmin.Filter{})
	if err != nil {
		return nil, problem(err)
	}
	all := make([]queryserver.APIKey, len(found))
	for i := range found {
		all[i] = keyOf(&found[i])
	}
	return all, nil
}

func keyOf(key *keyadmin.Key) queryserver.APIKey {
	return queryserver.APIKey{
		ID: key.ID, Name: key.Name, Workspace: key.Workspace, Tenant: key.Tenant, Permissions: key.Permissions,
		Limits: queryserver.KeyLimits(key.Limits), CreatedAt: key.CreatedAt, ExpiresAt: key.ExpiresAt,
		RevokedAt: key.RevokedAt, PreviousUntil: key.PreviousUntil, LastUsedAt: key.LastUsedAt,
	}
}

// CreateAPIKey makes a key, and gives its secret, which is kept as a hash only.
func (s *Store) CreateAPIKey(ctx context.Context, call *queryserver.Call, key queryserver.APIKey) (queryserver.APIKey, string, error) {
	wanted := keyadmin.NewKey{
		Name: key.Name, Kind: keyadmin.Organization, Binding: call.Scope.Organization(),
		Permissions: key.Permissions, Limits: keyadmin.Limits(key.Limits), ExpiresAt: key.ExpiresAt,
	}
	switch {
	case key.Tenant != nil:
		wanted.Kind, wanted.Binding = keyadmin.Tenant, *key.Tenant
	case key.Workspace != nil:
		wanted.Kind, wanted.Binding = keyadmin.Workspace, *key.Workspace
	}
	made, credential, err := s.keys(call).Create(ctx, wanted)
	if err != nil {
		return queryserver.APIKey{}, "", keyProblem(err)
	}
	return keyOf(&made), credential.Secret, nil
}

// RotateAPIKey gives a key a new secret; the old one works until the grace is over.
func (s *Store) RotateAPIKey(ctx context.Context, call *queryserver.Call, id apikey.ID, grace time.Duration) (queryserver.APIKey, string, error) {
	made, credential, err := s.keys(call).Rotate(ctx, id, grace)
	if err != nil {
		return queryserver.APIKey{}, "", keyProblem(err)
	}
	return keyOf(&made), credential.Secret, nil
}

// RevokeAPIKey ends a key for good.
func (s *Store) RevokeAPIKey(ctx context.Context, call *queryserver.Call, id apikey.ID) error {
	_, err := s.keys(call).Revoke(ctx, id)
	return keyProblem(err)
}

// keyProblem gives the errors of keyadmin their codes.
func keyProblem(err error) error {
	switch {
	case errors.Is(err, keyadmin.ErrNotFound), errors.Is(err, keyadmin.ErrNoBinding):
		return &queryserver.Error{Code: queryserver.NotFound, Message: "there is no such API key, tenant or workspace", Cause: err}
	default:
		return problem(err)
	}
}
