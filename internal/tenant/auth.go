package tenant

// Auth is what the authenticator leaves in the request for the processor: the
// principal, and the tenant that the request's headers chose. It has the shape
// of the Collector's client.AuthData, so that it travels in client.Info.Auth
// through any receiver.
type Auth struct {
	Principal *Principal
	Choice    Choice
}

// The attributes of Auth by which other Collector components can read it.
const (
	AttributeKeyID        = "api_key.id"
	AttributeOrganization = "organization.id"
)

// GetAttribute returns an attribute's value, or nil for an unknown name. No
// attribute holds a secret.
func (a *Auth) GetAttribute(name string) any {
	switch name {
	case AttributeKeyID:
		return a.Principal.KeyID()
	case AttributeOrganization:
		return a.Principal.Organization().String()
	default:
		return nil
	}
}

// GetAttributeNames lists what GetAttribute answers.
func (a *Auth) GetAttributeNames() []string {
	return []string{AttributeKeyID, AttributeOrganization}
}
