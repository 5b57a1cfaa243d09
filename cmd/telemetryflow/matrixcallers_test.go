package main

import (
	"encoding/base64"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/apikey/keyadmin"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// caller is who sends a request.
type caller struct {
	name    string
	estate  *estate
	headers map[string]string
	user    queryserver.UserRef // zero: no user
	account tenant.ID           // zero: no service account
	roles   []queryserver.Assignment
	blind   bool // may read no signal
}

// maker makes a caller anew, for requests that end what he has.
type maker func(t *testing.T) *caller

// column of the table: callers who are to be answered alike.
type column struct {
	name    string
	callers []maker
}

// columns are in the order of the table.
func (w *world) columns() []column {
	o := w.ours
	both := func(e *estate, name string, roles ...queryserver.Assignment) column {
		return column{name, []maker{e.byToken(name, roles), e.byCookie(name, roles)}}
	}
	return []column{
		{"none", []maker{made(&caller{name: "nobody"})}},
		{"refused", w.refused()},
		both(o, "owner", o.everywhere(queryserver.RoleOwner)...),
		both(o, "administrator", o.everywhere(queryserver.RoleAdministrator)...),
		both(o, "developer", o.everywhere(queryserver.RoleDeveloper)...),
		both(o, "viewer", o.everywhere(queryserver.RoleViewer)...),
		both(o, "filtered", o.everywhere(o.role)...),
		{"roleless", []maker{o.roleless(false), o.roleless(true)}},
		{"elsewhere", []maker{o.elsewhere(false), o.elsewhere(true)}},
		both(w.theirs, "other", w.theirs.everywhere(queryserver.RoleOwner)...),
		{"account", []maker{o.byAccount(queryserver.RoleOwner)}},
		{"reader", []maker{o.byAccount(queryserver.RoleViewer)}},
		{"key", o.readingKeys()},
		{"writekey", []maker{o.writingKey}},
		{"unnamed", w.unnamed()},
		{"misnamed", w.misnamed()},
	}
}

func made(c *caller) maker { return func(*testing.T) *caller { return c } }

func bearer(text string) map[string]string {
	return map[string]string{"Authorization": "Bearer " + text}
}

// byBrowser also says what browsers say of a page of the server's own.
func byBrowser(cookie string) map[string]string {
	return map[string]string{"Cookie": "telemetryflow-session=" + cookie, "Sec-Fetch-Site": "same-origin", "X-Requested-With": "test"}
}

func byPair(key apikey.Credential) map[string]string {
	return map[string]string{apikey.IDHeader: key.ID.String(), apikey.SecretHeader: key.Secret}
}

func naming(headers map[string]string, more ...string) map[string]string {
	headers = maps.Clone(headers)
	for i := 0; i < len(more); i += 2 {
		headers[more[i]] = more[i+1]
	}
	return headers
}

func (e *estate) byToken(name string, roles []queryserver.Assignment) maker {
	return func(t *testing.T) *caller {
		user := e.newUserWith(t, roles...)
		return &caller{name: name + " by JWT", estate: e, user: user, roles: roles, headers: bearer(e.newSession(t, user, time.Hour).access)}
	}
}

func (e *estate) byCookie(name string, roles []queryserver.Assignment) maker {
	return func(t *testing.T) *caller {
		user := e.newUserWith(t, roles...)
		return &caller{name: name + " by cookie", estate: e, user: user, roles: roles, headers: byBrowser(e.newSession(t, user, time.Hour).cookie)}
	}
}

// roleless is a member of the shop without a role.
func (e *estate) roleless(cookie bool) maker {
	return func(t *testing.T) *caller {
		held := queryserver.Assignment{Role: queryserver.RoleViewer, Tenant: e.shop.Tenant}
		user := e.newUserWith(t, held)
		require.NoError(t, e.store.Unassign(t.Context(), e.operator, user.User, held))
		session := e.newSession(t, user, time.Hour)
		if cookie {
			return &caller{name: "member without a role by cookie", estate: e, user: user, blind: true, headers: byBrowser(session.cookie)}
		}
		return &caller{name: "member without a role by JWT", estate: e, user: user, blind: true, headers: bearer(session.access)}
	}
}

// elsewhere owns another tenant of the organization than that of the objects.
func (e *estate) elsewhere(cookie bool) maker {
	return func(t *testing.T) *caller {
		roles := []queryserver.Assignment{{Role: queryserver.RoleOwner, Tenant: e.lab.Tenant}}
		user := e.newUserWith(t, roles...)
		session := e.newSessionIn(t, user, e.lab, time.Hour)
		if cookie {
			return &caller{name: "owner of another tenant by cookie", estate: e, user: user, roles: roles, headers: byBrowser(session.cookie)}
		}
		return &caller{name: "owner of another tenant by JWT", estate: e, user: user, roles: roles, headers: bearer(session.access)}
	}
}

// byAccount is a service account with a role in both tenants, which names the shop.
func (e *estate) byAccount(role tenant.ID) maker {
	return func(t *testing.T) *caller {
		account := e.newAccount(t, role)
		_, secret := e.newToken(t, account, time.Hour)
		return &caller{
			name: "service account", estate: e, account: account, roles: e.everywhere(role),
			headers: naming(bearer(secret), tenant.TenantHeader, e.shop.Tenant.String(), tenant.WorkspaceHeader, e.shop.Workspace.String()),
		}
	}
}

func (e *estate) byKey(name string, kind keyadmin.Kind, binding tenant.ID, permissions []tenant.Permission, headers func(apikey.Credential) map[string]string) maker {
	if headers == nil {
		headers = byPair
	}
	return func(t *testing.T) *caller {
		return &caller{name: "API key, " + name, estate: e, headers: headers(e.newKey(t, kind, binding, permissions...))}
	}
}

func (e *estate) writingKey(t *testing.T) *caller {
	c := e.byKey("write", keyadmin.Tenant, e.shop.Tenant, []tenant.Permission{tenant.MetricsWrite, tenant.LogsWrite, tenant.TracesWrite}, nil)(t)
	c.blind = true
	return c
}

func readPermissions() []tenant.Permission {
	return []tenant.Permission{queryserver.MetricsRead, queryserver.LogsRead, queryserver.TracesRead}
}

// readingKeys are in every form, and of every width with a choice.
func (e *estate) readingKeys() []maker {
	shop := func(key apikey.Credential) map[string]string {
		return naming(byPair(key), tenant.TenantHeader, e.shop.Tenant.String(), tenant.WorkspaceHeader, e.shop.Workspace.String())
	}
	bound := func(name string, headers func(apikey.Credential) map[string]string) maker {
		return e.byKey(name, keyadmin.Tenant, e.shop.Tenant, readPermissions(), headers)
	}
	return []maker{
		bound("pair of headers", nil),
		bound("vendor's headers", func(key apikey.Credential) map[string]string {
			return map[string]string{apikey.VendorIDHeader: key.ID.String(), apikey.VendorSecretHeader: key.Secret}
		}),
		bound("bearer with a colon", func(key apikey.Credential) map[string]string { return bearer(key.ID.String() + ":" + key.Secret) }),
		bound("bearer with a dot", func(key apikey.Credential) map[string]string { return bearer(key.ID.String() + "." + key.Secret) }),
		bound("basic", func(key apikey.Credential) map[string]string {
			return map[string]string{"Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte(key.ID.String()+":"+key.Secret))}
		}),
		e.byKey("of a workspace", keyadmin.Workspace, e.shop.Workspace, readPermissions(), shop),
		e.byKey("of the organization", keyadmin.Organization, e.organization, readPermissions(), shop),
	}
}

// unnamed may act in several tenants and name none.
func (w *world) unnamed() []maker {
	o := w.ours
	return []maker{
		o.byKey("of a workspace, nothing named", keyadmin.Workspace, o.shop.Workspace, readPermissions(), nil),
		o.byKey("of the organization, nothing named", keyadmin.Organization, o.organization, readPermissions(), nil),
		o.byKey("of the organization, workspace named", keyadmin.Organization, o.organization, readPermissions(), func(key apikey.Credential) map[string]string {
			return naming(byPair(key), tenant.WorkspaceHeader, o.shop.Workspace.String())
		}),
		o.byKey("of the organization, malformed name", keyadmin.Organization, o.organization, readPermissions(), func(key apikey.Credential) map[string]string {
			return naming(byPair(key), tenant.TenantHeader, "shop")
		}),
		w.altered("service account, nothing named", o.byAccount(queryserver.RoleOwner), tenant.TenantHeader, ""),
		w.altered("service account, malformed name", o.byAccount(queryserver.RoleOwner), tenant.TenantHeader, "../shop"),
	}
}

// misnamed names a tenant, or a workspace, that it may not use.
func (w *world) misnamed() []maker {
	o := w.ours
	key := func(name string, kind keyadmin.Kind, binding tenant.ID, headers ...string) maker {
		return o.byKey(name, kind, binding, readPermissions(), func(key apikey.Credential) map[string]string { return naming(byPair(key), headers...) })
	}
	return []maker{
		key("of a tenant, another one named", keyadmin.Tenant, o.shop.Tenant, tenant.TenantHeader, o.lab.Tenant.String()),
		key("of a tenant, another workspace named", keyadmin.Tenant, o.shop.Tenant, tenant.WorkspaceHeader, o.lab.Workspace.String()),
		key("of a workspace, another's tenant named", keyadmin.Workspace, o.shop.Workspace, tenant.TenantHeader, o.lab.Tenant.String()),
		key("of an organization, another's tenant named", keyadmin.Organization, o.organization, tenant.TenantHeader, w.theirs.shop.Tenant.String()),
		w.altered("service account, another organization's tenant named", o.byAccount(queryserver.RoleOwner), tenant.TenantHeader, w.theirs.shop.Tenant.String()),
		w.altered("service account, another workspace named", o.byAccount(queryserver.RoleOwner), tenant.WorkspaceHeader, o.lab.Workspace.String()),
	}
}

func (w *world) altered(name string, of maker, header, value string) maker {
	return func(t *testing.T) *caller {
		c := *of(t)
		c.name, c.headers = name, naming(c.headers, header, value)
		return &c
	}
}

func (c *caller) sign(r *http.Request) {
	for name, value := range c.headers {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
}
