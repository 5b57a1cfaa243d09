package tenant_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

const text = "0190f3a1-7c1e-7d2b-9b54-2f6d3c1a8e70"

func TestParseID(t *testing.T) {
	t.Parallel()
	id, err := tenant.ParseID(strings.ToUpper(text))
	require.NoError(t, err)
	require.Equal(t, text, id.String())
	require.False(t, id.IsZero())
	encoded, err := json.Marshal(id)
	require.NoError(t, err)
	var back tenant.ID
	require.NoError(t, json.Unmarshal(encoded, &back))
	require.Equal(t, id, back)
	for _, bad := range []string{
		"", "default", text[:35], text + "0", "{" + text[:34] + "}", strings.ReplaceAll(text, "-", ""),
		strings.Replace(text, "-", "+", 1), strings.Replace(text, "0", "g", 1), strings.Repeat("\xff", 36), strings.Repeat("-", 36),
	} {
		id, err := tenant.ParseID(bad)
		require.Error(t, err, bad)
		require.True(t, id.IsZero(), "%q must not leave half an ID", bad)
	}
	require.Error(t, json.Unmarshal([]byte(`"x"`), &back))
	require.Equal(t, id, back, "a failed read leaves the value")
}

func FuzzParseID(f *testing.F) {
	f.Add(text)
	f.Add("%252e%252e%252f-0000-0000-0000-0000000")
	f.Fuzz(func(t *testing.T, s string) {
		if id, err := tenant.ParseID(s); err == nil {
			require.Equal(t, strings.ToLower(s), id.String())
		}
	})
}

func TestPrincipal_Resolve(t *testing.T) {
	t.Parallel()
	id := func(n byte) tenant.ID { return tenant.ID{15: n} }
	one := tenant.Scope{Workspace: id(1), Tenant: id(11)}
	two := tenant.Scope{Workspace: id(2), Tenant: id(12)}
	bound := tenant.NewTenantPrincipal("tfk_1", id(9), one, nil)
	wide := tenant.NewWidePrincipal("tfk_2", id(9), []tenant.Scope{one, two}, nil)
	empty := tenant.NewWidePrincipal("tfk_3", id(9), nil, nil)
	for _, row := range []struct {
		name      string
		principal *tenant.Principal
		choice    tenant.Choice
		want      tenant.Scope
		err       error
	}{
		{"bound", bound, tenant.Choice{}, one, nil},
		{"bound, itself", bound, tenant.Choice{Workspace: id(1), Tenant: id(11)}, one, nil},
		{"bound, another tenant", bound, tenant.Choice{Tenant: id(12)}, tenant.Scope{}, tenant.ErrForbidden},
		{"bound, another workspace", bound, tenant.Choice{Workspace: id(2)}, tenant.Scope{}, tenant.ErrForbidden},
		{"wide, none", wide, tenant.Choice{}, tenant.Scope{}, tenant.ErrNotNamed},
		{"wide, tenant", wide, tenant.Choice{Tenant: id(12)}, two, nil},
		{"wide, workspace only", wide, tenant.Choice{Workspace: id(2)}, tenant.Scope{}, tenant.ErrNotNamed},
		{"wide, unknown workspace", wide, tenant.Choice{Workspace: id(3)}, tenant.Scope{}, tenant.ErrForbidden},
		{"wide, workspace of another tenant", wide, tenant.Choice{Workspace: id(1), Tenant: id(12)}, tenant.Scope{}, tenant.ErrForbidden},
		{"wide, foreign tenant", wide, tenant.Choice{Tenant: id(13)}, tenant.Scope{}, tenant.ErrForbidden},
		{"covers nothing", empty, tenant.Choice{}, tenant.Scope{}, tenant.ErrNotNamed},
		{"covers nothing, names one", empty, tenant.Choice{Tenant: id(11)}, tenant.Scope{}, tenant.ErrForbidden},
		{"bound to nothing", tenant.NewTenantPrincipal("k", id(9), tenant.Scope{}, nil), tenant.Choice{}, tenant.Scope{}, tenant.ErrNotNamed},
	} {
		got, err := row.principal.Resolve(row.choice)
		require.ErrorIs(t, err, row.err, row.name)
		require.Equal(t, row.want, got, row.name)
	}
}

func TestPrincipal_Allows(t *testing.T) {
	t.Parallel()
	p := tenant.NewTenantPrincipal("tfk_1", tenant.ID{9}, tenant.Scope{}, []tenant.Permission{tenant.LogsWrite})
	require.True(t, p.Allows(tenant.LogsWrite))
	require.False(t, p.Allows(tenant.TracesWrite))
	require.False(t, p.Allows(""))
}

func TestAuth_Attributes(t *testing.T) {
	t.Parallel()
	auth := &tenant.Auth{Principal: tenant.NewTenantPrincipal("tfk_1", tenant.ID{9}, tenant.Scope{}, nil)}
	for _, name := range auth.GetAttributeNames() {
		require.NotNil(t, auth.GetAttribute(name), name)
	}
	require.Equal(t, "tfk_1", auth.GetAttribute(tenant.AttributeKeyID))
	require.Nil(t, auth.GetAttribute("secret"))
}
