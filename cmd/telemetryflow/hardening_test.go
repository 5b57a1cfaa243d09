package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/apikey/keyadmin"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// send is a request with a body of JSON text, if any.
func (w *world) send(t *testing.T, client *http.Client, who *caller, method, target, body string) (status int, header http.Header, text string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, w.base+target, strings.NewReader(body))
	require.NoError(t, err)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	who.sign(request)
	response, err := client.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, response.Header, string(read)
}

func (w *world) owner(t *testing.T) *caller {
	t.Helper()
	return w.ours.byToken("owner", w.ours.everywhere(queryserver.RoleOwner))(t)
}

// Incident 19, CVE-2022-39328: two callers side by side, each by every kind of credential,
// never get each other's answers.
func TestIncident19_ParallelCallersAreNotMixedUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client := w.client()
	var running sync.WaitGroup
	for _, e := range []*estate{w.ours, w.theirs} {
		foreign := w.theirs.canary
		if e == w.theirs {
			foreign = w.ours.canary
		}
		owner := e.everywhere(queryserver.RoleOwner)
		key := e.byKey("reading", keyadmin.Tenant, e.shop.Tenant, readPermissions(), nil)
		for _, make := range []maker{e.byToken("owner", owner), e.byCookie("owner", owner), e.byAccount(queryserver.RoleOwner), key} {
			who := make(t)
			for range 4 {
				running.Go(func() {
					for range 50 {
						status, _, text := w.send(t, client, who, http.MethodGet, "/api/v2/auth/me", "")
						if status != http.StatusOK || !strings.Contains(text, e.organization.String()) || !strings.Contains(text, e.shop.Tenant.String()) {
							t.Errorf("%s is answered %d %s", who.name, status, text)
						}
						status, _, text = w.send(t, client, who, http.MethodGet, "/api/v2/tenants", "")
						if status != http.StatusOK || !strings.Contains(text, e.canary) || strings.Contains(text, foreign) {
							t.Errorf("%s is answered %d %s", who.name, status, text)
						}
					}
				})
			}
		}
	}
	running.Wait()
}

// ASVS 15.3.3: what a body may not set is refused, not passed over, on every route that
// takes one.
func TestASVS_15_3_3_MassAssignment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client, owner := w.client(), w.owner(t)
	asked, probes := 0, probes()
	for _, route := range w.http.Routes() {
		probe := probes[route.Method()+" "+route.Path()]
		if probe.body == nil || !strings.HasPrefix(route.Path(), "/api/") {
			continue
		}
		c := &cell{T: t, world: w, probe: probe, caller: owner, want: http.StatusForbidden, row: row{method: route.Method(), path: route.Path(), object: "own"}}
		path := c.path()
		good, _ := c.content()
		for _, field := range []string{"role", "tenant_id", "organizationId", "is_admin", "isAdmin", "createdAt", "userId", "secret_hash", "__proto__"} {
			var body object
			require.NoError(t, json.Unmarshal([]byte(good), &body))
			body[field] = w.theirs.shop.Tenant
			text, err := json.Marshal(body)
			require.NoError(t, err)
			status, _, answer := w.send(t, client, owner, route.Method(), path, string(text))
			require.Equal(t, http.StatusBadRequest, status, "%s %s %s: %s", route.Method(), path, text, answer)
			require.Contains(t, answer, "body."+field)
			asked++
		}
	}
	require.Greater(t, asked, 150)
}

// Incident 7, CVE-2026-21726: no spelling of an id reaches another thing.
func TestIncident7_EncodedIDs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client, owner := w.client(), w.owner(t)
	ours, theirs := w.ours.user.User.String(), w.theirs.user.User.String()
	for _, id := range []string{
		"..", ".", "%2e%2e", "%252e%252e", "%252e%252e%252f" + theirs, "..%2f" + theirs, "..%5c" + theirs, "%2e%2e%2f" + theirs, ours + "%2f..%2f" + theirs,
		ours + "/../" + theirs, ours + "%00", ours + "%0a", "%00" + ours, ours + "%20", strings.ToUpper(ours) + "%C0%AE", "%C0%AE%C0%AE", "{" + ours + "}",
		"urn:uuid:" + ours, strings.ReplaceAll(ours, "-", ""), ours + ";" + theirs, ours + "," + theirs, ours + "'--", "*", "null", "0", "-1", "me",
	} {
		for _, path := range []string{"/api/v2/users/", "/api/v2/roles/", "/api/v2/service-accounts/"} {
			status, _, text := w.send(t, client, owner, http.MethodGet, path+id, "")
			require.Contains(t, []int{http.StatusBadRequest, http.StatusNotFound}, status, "%s%s: %s", path, id, text)
			require.NotContains(t, text, w.theirs.canary)
		}
		status, _, text := w.send(t, client, owner, http.MethodDelete, "/api/v2/api-keys/"+id, "")
		require.Contains(t, []int{http.StatusBadRequest, http.StatusNotFound}, status, "%s: %s", id, text)
	}
}

// Incident 9, CVE-2026-21728: pages have a greatest length.
func TestIncident9_HugeLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client, owner := w.client(), w.owner(t)
	for _, path := range []string{"/api/v2/users", "/api/v2/audit"} {
		for _, limit := range []string{"2147483648", "4294967296", "9223372036854775808", "-1", "0", "201", "1e3", "0x10", ""} {
			status, _, text := w.send(t, client, owner, http.MethodGet, path+"?limit="+limit, "")
			want := http.StatusBadRequest
			if limit == "" {
				want = http.StatusOK // as if it were not there
			}
			require.Equal(t, want, status, "%s: %s", limit, text)
		}
		status, _, _ := w.send(t, client, owner, http.MethodGet, path+"?limit=200", "")
		require.Equal(t, http.StatusOK, status)
	}
}

// Users move between tenants explicitly: the headers of programs do not count for them.
func TestUsersDoNotChooseByHeader(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client := w.client()
	roles := w.ours.everywhere(queryserver.RoleOwner)
	for _, make := range []maker{w.ours.byToken("owner", roles), w.ours.byCookie("owner", roles)} {
		for _, named := range []string{w.ours.lab.Tenant.String(), w.theirs.shop.Tenant.String(), "garbage"} {
			who := w.altered("owner with a header", make, tenant.TenantHeader, named)(t)
			status, _, text := w.send(t, client, who, http.MethodGet, "/api/v2/auth/me", "")
			require.Equal(t, http.StatusOK, status, text)
			require.Contains(t, text, w.ours.shop.Tenant.String())
		}
	}
}

// ASVS 8.2.1: who makes a tenant does not rise by it, and the owners of all others own it.
func TestCreateTenant_NobodyRises(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client := w.client()
	maker := w.ours.byToken("administrator", w.ours.everywhere(queryserver.RoleAdministrator))(t)
	owner := w.owner(t)
	status, _, text := w.send(t, client, maker, http.MethodPost, "/api/v2/tenants", fmt.Sprintf(`{"name":"new","workspaceId":%q}`, w.ours.shop.Workspace))
	require.Equal(t, http.StatusCreated, status, text)
	var made struct{ TenantID tenant.ID }
	require.NoError(t, json.Unmarshal([]byte(text), &made))
	for _, who := range []*caller{maker, owner} {
		grants, err := w.store.UserGrants(t.Context(), who.user)
		require.NoError(t, err)
		var held []tenant.ID
		for _, grant := range grants {
			if grant.Tenant.Tenant == made.TenantID {
				held = append(held, grant.Role)
			}
		}
		require.Equal(t, []tenant.ID{who.roles[0].Role}, held)
	}
}
