package auth

import (
	"errors"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// ByAPIKey makes the call of an API key that was proved, in the tenant that it is bound
// to or that it chooses. It may do what a key can carry and nothing else, whatever its
// row says, and sees all of the tenant's data.
//
// Invalid: a key of several tenants has named none. Forbidden: it may not use the one
// that it names.
func ByAPIKey(key *tenant.Principal, choice tenant.Choice, client queryserver.Client) (*queryserver.Call, error) {
	in, err := key.Resolve(choice)
	switch {
	case errors.Is(err, tenant.ErrNotNamed):
		return nil, queryserver.Errorf(queryserver.Invalid, "the API key covers more than one tenant: name one in the %s header", tenant.TenantHeader)
	case err != nil:
		return nil, queryserver.Errorf(queryserver.Forbidden, "the API key does not cover the named tenant")
	}
	allowed := make(map[queryserver.Permission]queryserver.Filter)
	for _, permission := range queryserver.APIKeyPermissions() {
		if key.Allows(permission) {
			allowed[permission] = queryserver.Filter{}
		}
	}
	return &queryserver.Call{
		Subject: queryserver.Subject{Kind: queryserver.APIKeySubject, ID: key.KeyID()}, Client: client,
		Scope: queryserver.NewScope(key.Organization(), in, allowed),
	}, nil
}
