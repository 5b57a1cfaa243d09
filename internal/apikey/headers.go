package apikey

import (
	"encoding/base64"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// The headers, or gRPC metadata, that carry a credential. The first pair that is
// complete wins, then Authorization.
const (
	IDHeader           = "X-API-Key-ID"
	SecretHeader       = "X-API-Key-Secret" //nolint:gosec // a header's name
	VendorIDHeader     = "X-TelemetryFlow-Key-ID"
	VendorSecretHeader = "X-TelemetryFlow-Key-Secret"
	authorization      = "Authorization"
)

// maxAuthorization bounds the Authorization values that are looked at, in bytes.
// The longest valid one, Basic, has 146.
const maxAuthorization = 256

// Headers are the values of a request that concern authentication.
type Headers struct {
	id, secret             value
	vendorID, vendorSecret value
	authorization          value
	workspace, tenant      value
}

// value is a header's value. A header that comes twice with different values
// conflicts, because proxies and servers disagree about which one counts.
type value struct {
	text     string
	present  bool
	conflict bool
}

func (v *value) add(texts []string) {
	for _, text := range texts {
		v.conflict = v.conflict || v.present && v.text != text
		v.text, v.present = text, true
	}
}

// ReadHeaders picks them out of HTTP headers or gRPC metadata, whose names it
// compares without regard to case.
func ReadHeaders(sources map[string][]string) Headers {
	var h Headers
	for name, texts := range sources {
		if v := h.named(name); v != nil {
			v.add(texts)
		}
	}
	return h
}

// named returns the place of a header. Their names differ in length, which
// decides with one comparison.
func (h *Headers) named(name string) *value {
	var want string
	var v *value
	switch len(name) {
	case len(IDHeader):
		want, v = IDHeader, &h.id
	case len(SecretHeader):
		want, v = SecretHeader, &h.secret
	case len(VendorIDHeader):
		want, v = VendorIDHeader, &h.vendorID
	case len(VendorSecretHeader):
		want, v = VendorSecretHeader, &h.vendorSecret
	case len(authorization):
		want, v = authorization, &h.authorization
	case len(tenant.WorkspaceHeader):
		want, v = tenant.WorkspaceHeader, &h.workspace
	case len(tenant.TenantHeader):
		want, v = tenant.TenantHeader, &h.tenant
	default:
		return nil
	}
	if !strings.EqualFold(name, want) {
		return nil
	}
	return v
}

// Credential returns the first credential of the request. Every failure is
// ErrUnauthenticated, and a malformed one is not passed over for a later one.
func (h *Headers) Credential() (Credential, error) {
	for _, pair := range [...][2]*value{{&h.id, &h.secret}, {&h.vendorID, &h.vendorSecret}} {
		id, secret := pair[0], pair[1]
		if !id.present || !secret.present {
			continue
		}
		if id.conflict || secret.conflict {
			return Credential{}, ErrUnauthenticated
		}
		return parseCredential(strings.TrimSpace(id.text), strings.TrimSpace(secret.text))
	}
	if h.authorization.present && !h.authorization.conflict && len(h.authorization.text) <= maxAuthorization {
		return parseAuthorization(h.authorization.text)
	}
	return Credential{}, ErrUnauthenticated
}

// parseAuthorization reads "Bearer id:secret", "Bearer id.secret" and Basic.
func parseAuthorization(text string) (Credential, error) {
	scheme, rest, found := strings.Cut(strings.TrimSpace(text), " ")
	if !found {
		return Credential{}, ErrUnauthenticated
	}
	rest = strings.TrimLeft(rest, " ")
	switch {
	case strings.EqualFold(scheme, "Bearer"):
		return splitCredential(rest, ":.")
	case strings.EqualFold(scheme, "Basic"):
		decoded, err := base64.StdEncoding.Strict().DecodeString(rest)
		if err != nil {
			return Credential{}, ErrUnauthenticated
		}
		return splitCredential(string(decoded), ":")
	default:
		return Credential{}, ErrUnauthenticated
	}
}

func splitCredential(text, separators string) (Credential, error) {
	at := strings.IndexAny(text, separators)
	if at < 0 {
		return Credential{}, ErrUnauthenticated
	}
	return parseCredential(text[:at], text[at+1:])
}

// Choice returns the tenant that the request names. A value that is no UUID, or
// two different ones, are InvalidArgument; an empty value names nothing.
func (h *Headers) Choice() (tenant.Choice, error) {
	var choice tenant.Choice
	if err := h.workspace.readID(tenant.WorkspaceHeader, &choice.Workspace); err != nil {
		return tenant.Choice{}, err
	}
	if err := h.tenant.readID(tenant.TenantHeader, &choice.Tenant); err != nil {
		return tenant.Choice{}, err
	}
	return choice, nil
}

func (v *value) readID(name string, id *tenant.ID) error {
	if v.conflict {
		return status.Error(codes.InvalidArgument, "the header "+name+" is given twice with different values")
	}
	text := strings.TrimSpace(v.text)
	if text == "" {
		return nil
	}
	parsed, err := tenant.ParseID(text)
	if err != nil || parsed.IsZero() {
		// The value is not repeated: it may hold anything.
		return status.Error(codes.InvalidArgument, "the header "+name+" must be a UUID that is not zero")
	}
	*id = parsed
	return nil
}
