package tenantcontextprocessor

import (
	"context"
	"errors"

	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// reason says why items were rejected: a label of the metrics and a text for
// clients. Texts are constant, so that nothing a client sent is echoed.
type reason int

const (
	accepted reason = iota
	foreignTenant
	malformedTenant
	outsideWindow
	reasons // their number
)

func (r reason) label() string {
	return [...]string{"", "foreign_tenant", "malformed_tenant", "outside_window"}[r]
}

func (r reason) message() string {
	return [...]string{
		"",
		"resource attributes " + tenant.WorkspaceAttribute + " and " + tenant.TenantAttribute +
			" name a tenant that the API key may not write to",
		"resource attributes " + tenant.WorkspaceAttribute + " and " + tenant.TenantAttribute +
			" must each be given once, as a string that holds a UUID",
		"timestamp is outside of the accepted window",
	}[r]
}

// binding applies the tenancy rule to the resources of one request.
type binding struct {
	principal *tenant.Principal
	header    tenant.Choice
}

// bind checks what holds for the request as a whole.
func bind(ctx context.Context, permission tenant.Permission) (binding, error) {
	info := client.FromContext(ctx)
	if info.Auth == nil {
		return binding{}, refuse(codes.Unauthenticated, "missing or invalid API key")
	}
	auth, ok := info.Auth.(*tenant.Auth)
	if !ok || auth == nil || auth.Principal == nil {
		return binding{}, refuse(codes.PermissionDenied, "the credential is not an API key")
	}
	if !auth.Principal.Allows(permission) {
		return binding{}, refuse(codes.PermissionDenied, "the API key lacks the permission "+string(permission))
	}
	if !auth.Choice.IsZero() {
		_, err := auth.Principal.Resolve(auth.Choice)
		if err != nil && !errors.Is(err, tenant.ErrNotNamed) { // attributes may still name it
			return binding{}, refuse(codes.PermissionDenied, tenant.ErrForbidden.Error())
		}
	}
	return binding{principal: auth.Principal, header: auth.Choice}, nil
}

// stamp resolves the tenant of a resource and writes it over whatever the
// client put there. It fails when the request as a whole must be refused.
func (b binding) stamp(attributes pcommon.Map) (reason, error) {
	asked, wellFormed := takeChoice(attributes)
	if !wellFormed {
		return malformedTenant, nil
	}
	scope, err := b.resolve(asked)
	switch {
	case errors.Is(err, tenant.ErrForbidden):
		return foreignTenant, nil
	case err != nil:
		return accepted, refuse(codes.InvalidArgument, tenant.ErrNotNamed.Error())
	}
	attributes.PutStr(tenant.WorkspaceAttribute, scope.Workspace.String())
	attributes.PutStr(tenant.TenantAttribute, scope.Tenant.String())
	return accepted, nil
}

// resolve lets headers win over attributes. Attributes are judged even then: a
// resource that claims another's tenant is never taken as this one's.
func (b binding) resolve(asked tenant.Choice) (tenant.Scope, error) {
	if !asked.IsZero() {
		if _, err := b.principal.Resolve(asked); errors.Is(err, tenant.ErrForbidden) {
			return tenant.Scope{}, err
		}
	}
	switch {
	case !b.header.Tenant.IsZero():
		return b.principal.Resolve(b.header)
	case !b.header.Workspace.IsZero():
		asked.Workspace = b.header.Workspace
	}
	return b.principal.Resolve(asked)
}

// takeChoice removes the reserved attributes, every occurrence of them, and
// returns what they name. Protobuf maps may hold a key twice: then it cannot be
// told which one is meant.
func takeChoice(attributes pcommon.Map) (choice tenant.Choice, wellFormed bool) {
	wellFormed = true
	attributes.RemoveIf(func(key string, value pcommon.Value) bool {
		switch key {
		case tenant.WorkspaceAttribute:
			wellFormed = readID(&choice.Workspace, value) && wellFormed
		case tenant.TenantAttribute:
			wellFormed = readID(&choice.Tenant, value) && wellFormed
		default:
			return false
		}
		return true
	})
	return choice, wellFormed
}

// readID fills an ID that was not read before.
func readID(id *tenant.ID, value pcommon.Value) bool {
	if !id.IsZero() || value.Type() != pcommon.ValueTypeStr {
		return false
	}
	parsed, err := tenant.ParseID(value.Str())
	*id = parsed
	return err == nil && !parsed.IsZero()
}

func refuse(code codes.Code, message string) error {
	return consumererror.NewPermanent(status.Error(code, message))
}
