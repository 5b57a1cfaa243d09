//go:build linux

package queryserver

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/testkit/oidctest"
)

func unmarshal(t *testing.T, text string, into any) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(text), into), "%s", text)
}

// Incident 18 (CVE-2023-3128, nOAuth; CVE-2026-42354; CVE-2025-41115): the same address
// under another subject, an address that is not verified, another organization's provider,
// and a subject that looks like an id of ours, are nobody.
func TestIncident18_AddressesAreNoIdentity(t *testing.T) {
	t.Parallel()
	rogue, foreign := oidctest.NewRogue(t), oidctest.NewRogue(t)
	w := startSSO(t, rogues(rogue, foreign))
	corp := w.provider(t, w.owner, rogue, nil)
	w.prove(t, w.owner, "example.com")
	tells(rogue, "1", "grace@example.com", nil)
	grace := w.surfer(t)
	require.Equal(t, http.StatusSeeOther, w.signIn(t, grace, rogue, corp.ProviderID, "").status)
	nobody := func(at *oidctest.Rogue, provider, why string) {
		t.Helper()
		b := w.surfer(t)
		refused := w.signIn(t, b, at, provider, "")
		require.Equal(t, http.StatusForbidden, refused.status, why)
		require.Contains(t, refused.text, "No user belongs to this sign-in.", why)
		require.Empty(t, b.who(t), why)
	}
	tells(rogue, "2", "grace@example.com", nil)
	nobody(rogue, corp.ProviderID, "the same address, another subject")
	tells(rogue, "2", email, nil)
	nobody(rogue, corp.ProviderID, "the address of a user with a password")
	tells(rogue, "3", "new@example.com", map[string]any{"email_verified": false})
	nobody(rogue, corp.ProviderID, "an address that is not verified")
	tells(rogue, "3", "new@elsewhere.example", nil)
	nobody(rogue, corp.ProviderID, "a domain that nobody has proved")

	// Another organization, which has not proved the domain, and then somebody's of another.
	w.plant(t, "umbrella")
	w.createIn(t, "umbrella", "eve@umbrella.example", "Owner")
	eve := w.login(t, "eve@umbrella.example")
	theirs := w.provider(t, eve, foreign, map[string]any{"linkByVerifiedEmail": true})
	for why, subject := range map[string]string{"the same subject": "1", "an id of ours": grace.who(t).ID} {
		tells(foreign, subject, "grace@example.com", nil)
		nobody(foreign, theirs.ProviderID, why)
		tells(foreign, subject, "another@example.com", nil)
		nobody(foreign, theirs.ProviderID, why+" with an address of the other's domain")
	}
	require.Len(t, w.people(t, w.owner), 2)
	require.Len(t, w.people(t, eve), 1)
	require.Empty(t, w.sink.Messages("grace@example.com")[1:], "no link was sent")
	var challenge domain
	status, _ := eve.ask(t, http.MethodPost, "/api/v2/domains", map[string]any{"domain": "example.com"}, &challenge)
	require.Equal(t, http.StatusCreated, status)
	w.names.publish(challenge.RecordName, challenge.RecordValue)
	status, _ = eve.ask(t, http.MethodPost, "/api/v2/domains/example.com/verify", nil, nil)
	require.Equal(t, http.StatusConflict, status, "a domain is one organization's")
	status, _ = eve.ask(t, http.MethodGet, "/api/v2/sso-providers/"+corp.ProviderID, nil, nil)
	require.Equal(t, http.StatusNotFound, status)
	status, _ = eve.ask(t, http.MethodPatch, "/api/v2/sso-providers/"+corp.ProviderID, map[string]any{"enabled": false}, nil)
	require.Equal(t, http.StatusNotFound, status)

	// Who is disabled is nobody, and comes back as himself.
	path := "/api/v2/users/" + grace.who(t).ID
	status, _ = w.owner.ask(t, http.MethodPatch, path, map[string]any{"enabled": false}, nil)
	require.Less(t, status, 300)
	tells(rogue, "1", "grace@example.com", nil)
	nobody(rogue, corp.ProviderID, "a disabled user")
}

// An invitation is accepted by the address that the provider vouches for, with its roles.
func TestSSO_Invitation(t *testing.T) {
	t.Parallel()
	rogue := oidctest.NewRogue(t)
	w := startSSO(t, rogues(rogue))
	corp := w.provider(t, w.owner, rogue, nil)
	_, code := w.invite(t, w.owner, "bob@partner.example", developerRole)
	query := "?" + url.Values{"invitation": {code}}.Encode()
	tells(rogue, "2", "eve@partner.example", nil)
	require.Equal(t, http.StatusForbidden, w.signIn(t, w.surfer(t), rogue, corp.ProviderID, query).status, "another's invitation")
	tells(rogue, "1", "Bob@Partner.example", map[string]any{"email_verified": false})
	require.Equal(t, http.StatusForbidden, w.signIn(t, w.surfer(t), rogue, corp.ProviderID, query).status, "an address that is not verified")
	tells(rogue, "1", "Bob@Partner.example", nil)
	b := w.surfer(t)
	done := w.signIn(t, b, rogue, corp.ProviderID, query)
	require.Equal(t, http.StatusSeeOther, done.status, done.text)
	require.Equal(t, developerRole, w.rolesOf(t, b.who(t).ID))
	tells(rogue, "3", "bob@partner.example", nil)
	require.Equal(t, http.StatusForbidden, w.signIn(t, w.surfer(t), rogue, corp.ProviderID, query).status, "once")
	require.Contains(t, b.post(t, w.url+"/login/sso", url.Values{"organization": {"acme"}, "code": {code}}), "/login?invitation="+code, "the page carries it on")
}

// An identity with the address of a user is his once he has opened a link that was mailed
// to him, in the browser that asked for it.
func TestSSO_LinkByMail(t *testing.T) {
	t.Parallel()
	rogue := oidctest.NewRogue(t)
	w := startSSO(t, rogues(rogue))
	corp := w.provider(t, w.owner, rogue, map[string]any{"linkByVerifiedEmail": true})
	tells(rogue, "1", email, nil)
	b := w.surfer(t)
	asked := w.signIn(t, b, rogue, corp.ProviderID, "")
	require.Equal(t, http.StatusOK, asked.status)
	require.Contains(t, asked.text, "A link was sent")
	require.Empty(t, b.who(t))
	code := w.code(t, email, "/login/link#")
	require.Contains(t, b.get(t, w.url+"/login/link"), "Link the sign-in", "to look changes nothing")
	stranger := w.surfer(t)
	require.Contains(t, stranger.post(t, w.url+"/login/link", url.Values{"code": {code}}), "in the browser in which you signed in")
	require.Contains(t, b.post(t, w.url+"/login/link", url.Values{"code": {code}}), "is linked to your account")
	require.Empty(t, b.who(t), "the link does not log in")
	done := w.signIn(t, b, rogue, corp.ProviderID, "")
	require.Equal(t, http.StatusSeeOther, done.status, done.text)
	require.Equal(t, w.people(t, w.owner)[email].UserID, b.who(t).ID)
	require.Contains(t, b.post(t, w.url+"/login/link", url.Values{"code": {code}}), "role=\"alert\"", "once")
	require.Contains(t, w.sink.Await(t, email).Text+w.sink.Await(t, email).Text, "the sign-ins of your account")
}

// A user links an identity from his session, having proved himself, and keeps one way in.
func TestSSO_LinkFromSession_ASVS_7_5_1(t *testing.T) {
	t.Parallel()
	rogue := oidctest.NewRogue(t)
	w := startSSO(t, rogues(rogue))
	corp := w.provider(t, w.owner, rogue, nil)
	const identities = "/api/v2/auth/identities"
	b := w.surfer(t)
	status, _ := b.ask(t, http.MethodPost, "/api/v2/auth/login", map[string]any{"email": email, "password": secret, "cookie": true}, nil)
	require.Equal(t, http.StatusOK, status)
	var begun struct{ URL string }
	status, _ = b.ask(t, http.MethodPost, identities, map[string]any{"provider": corp.ProviderID, "currentPassword": "wrong"}, nil)
	require.Equal(t, http.StatusUnauthorized, status)
	status, _ = b.ask(t, http.MethodPost, identities, map[string]any{"provider": corp.ProviderID, "currentPassword": secret, "returnTo": "/account"}, &begun)
	require.Equal(t, http.StatusOK, status)
	tells(rogue, "1", "private@elsewhere.example", nil)
	back := rogue.Authorize(begun.URL)
	require.Equal(t, http.StatusUnauthorized, w.comeBack(t, w.surfer(t), corp.ProviderID, back).status, "another browser")
	done := w.comeBack(t, b, corp.ProviderID, back)
	require.Equal(t, http.StatusSeeOther, done.status, done.text)
	require.Equal(t, "/account", done.location)
	other := w.surfer(t)
	w.signIn(t, other, rogue, corp.ProviderID, "")
	require.Equal(t, b.who(t).ID, other.who(t).ID)

	var linked struct {
		Items []struct{ IdentityID, ProviderName, Email string }
	}
	status, _ = other.ask(t, http.MethodGet, identities, nil, &linked)
	require.Equal(t, http.StatusOK, status)
	require.Len(t, linked.Items, 1)
	require.Equal(t, "Corp", linked.Items[0].ProviderName)
	remove := identities + "/" + linked.Items[0].IdentityID + "/remove"
	w.setPolicy(t, map[string]any{"ssoOnly": true})
	status, _ = other.ask(t, http.MethodPost, remove, map[string]any{"currentPassword": secret}, nil)
	require.Equal(t, http.StatusConflict, status, "passwords do not log in: it is the only way")
	status, _ = w.client(t).ask(t, http.MethodPost, "/api/v2/auth/login", map[string]any{"email": email, "password": secret}, nil)
	require.Equal(t, http.StatusUnauthorized, status, "single sign-on only")
	w.setPolicy(t, nil)
	status, _ = other.ask(t, http.MethodPost, remove, map[string]any{"currentPassword": secret}, nil)
	require.Less(t, status, 300)
	require.Equal(t, http.StatusForbidden, w.signIn(t, w.surfer(t), rogue, corp.ProviderID, "").status)

	// A user without a password: a session that has just begun is his proof, and the last
	// identity stays.
	w.prove(t, w.owner, "example.com")
	tells(rogue, "2", "grace@example.com", nil)
	grace := w.surfer(t)
	require.Equal(t, http.StatusSeeOther, w.signIn(t, grace, rogue, corp.ProviderID, "").status)
	status, _ = grace.ask(t, http.MethodGet, identities, nil, &linked)
	require.Equal(t, http.StatusOK, status)
	status, _ = grace.ask(t, http.MethodPost, identities+"/"+linked.Items[0].IdentityID+"/remove", map[string]any{}, nil)
	require.Equal(t, http.StatusConflict, status)
	status, _ = grace.ask(t, http.MethodPut, "/api/v2/auth/password", map[string]any{"newPassword": secret}, nil)
	require.Less(t, status, 300)
	status, _ = grace.ask(t, http.MethodPost, identities+"/"+linked.Items[0].IdentityID+"/remove", map[string]any{"currentPassword": secret}, nil)
	require.Less(t, status, 300)
}

// ASVS 6.3.4, 6.8.4: a provider counts as one factor unless it says that it has seen two.
func TestSSO_ASVS_6_8_4_SecondFactor(t *testing.T) {
	t.Parallel()
	rogue := oidctest.NewRogue(t)
	w := startSSO(t, rogues(rogue))
	corp := w.provider(t, w.owner, rogue, nil)
	w.prove(t, w.owner, "example.com")
	w.setPolicy(t, map[string]any{"mfaRequired": true})
	tells(rogue, "1", "grace@example.com", map[string]any{"amr": []string{"pwd"}})
	b := w.surfer(t)
	held := w.signIn(t, b, rogue, corp.ProviderID, "?returnTo=/dashboards")
	require.Equal(t, http.StatusOK, held.status, held.text)
	require.Empty(t, b.who(t))
	seed := found(t, `Secret: <code>([A-Z2-7]+)</code>`, held.text)
	temporary := found(t, `name="temporary" type="hidden" value="([^"]+)"`, held.text)
	codes := b.post(t, w.url+"/login/enroll", url.Values{"temporary": {temporary}, "code": {totpOf(t, seed)}})
	require.NotEmpty(t, b.who(t))

	again := w.surfer(t)
	held = w.signIn(t, again, rogue, corp.ProviderID, "?returnTo=/dashboards%3Fa%3Db%26c")
	require.Empty(t, again.who(t), "his second factor is asked for")
	temporary = found(t, `name="temporary" type="hidden" value="([^"]+)"`, held.text)
	again.post(t, w.url+"/login/code", url.Values{"temporary": {temporary}, "code": {"000000"}})
	require.Equal(t, http.StatusUnauthorized, again.status)
	response, err := again.PostForm(w.url+"/login/code", url.Values{"temporary": {temporary}, "code": {found(t, `<li><code>([^<]+)</code>`, codes)}})
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, "/dashboards?a=b&c", response.Header.Get("Location"))
	require.NotEmpty(t, again.who(t))

	for name, claims := range map[string]map[string]any{
		"amr": {"amr": []string{"pwd", "mfa"}}, "acr": {"acr": "https://refeds.org/profile/mfa"},
	} {
		tells(rogue, "1", "grace@example.com", claims)
		vouched := w.surfer(t)
		require.Equal(t, http.StatusSeeOther, w.signIn(t, vouched, rogue, corp.ProviderID, "").status, name)
		require.NotEmpty(t, vouched.who(t), name)
	}
	tells(rogue, "1", "grace@example.com", map[string]any{"amr": "hwk", "acr": "mfa"})
	require.Equal(t, http.StatusOK, w.signIn(t, w.surfer(t), rogue, corp.ProviderID, "").status, "what says nothing of two factors")
}

// Secrets of providers are written and never read, and go to nobody else than for whom
// they were given. A login page's list does not tell which organizations there are.
func TestSSO_ASVS_13_3_1_Administration(t *testing.T) {
	t.Parallel()
	rogue, other := oidctest.NewRogue(t), oidctest.NewRogue(t)
	w := startSSO(t, rogues(rogue, other))
	const providers = "/api/v2/sso-providers"
	corp := w.provider(t, w.owner, rogue, nil)
	require.Equal(t, "/api/v2/sso/"+corp.ProviderID+"/callback", corp.CallbackPath)
	patch := func(change map[string]any) int {
		status, _ := w.owner.ask(t, http.MethodPatch, providers+"/"+corp.ProviderID, change, nil)
		return status
	}
	require.Less(t, patch(map[string]any{"displayName": "Example"}), 300)
	require.Equal(t, http.StatusBadRequest, patch(map[string]any{"issuer": other.URL}), "the secret is not sent to another")
	require.Equal(t, http.StatusBadRequest, patch(map[string]any{"kind": "github"}))
	require.Equal(t, http.StatusBadRequest, patch(map[string]any{"scopes": []string{"email"}}), "no openid")
	require.Equal(t, http.StatusBadRequest, patch(map[string]any{"algorithms": []string{"HS256"}}))
	w.prove(t, w.owner, "example.com")
	tells(rogue, "1", "grace@example.com", nil)
	require.Equal(t, http.StatusSeeOther, w.signIn(t, w.surfer(t), rogue, corp.ProviderID, "").status, "the secret is kept")
	require.Less(t, patch(map[string]any{"issuer": other.URL, "clientSecret": other.Secret}), 300)
	tells(other, "1", "hopper@example.com", nil)
	b := w.surfer(t)
	require.Equal(t, http.StatusSeeOther, w.signIn(t, b, other, corp.ProviderID, "").status)
	require.Equal(t, w.people(t, w.owner)["hopper@example.com"].UserID, b.who(t).ID, "the subject of another issuer is another person")

	for _, name := range []string{"0190f3a1-7c1e-7d2b-9b54-2f6d3c1a8e70", "Upper", "corp"} {
		status, _ := w.owner.ask(t, http.MethodPost, providers, map[string]any{"name": name, "issuer": rogue.URL, "clientId": "x", "clientSecret": "y"}, nil)
		require.GreaterOrEqual(t, status, 400, name)
	}
	w.create(t, "admin@example.com", "Administrator")
	admin := w.login(t, "admin@example.com")
	status, _ := admin.ask(t, http.MethodPost, providers, map[string]any{"name": "mine", "issuer": rogue.URL, "clientId": "x", "clientSecret": "y"}, nil)
	require.Equal(t, http.StatusForbidden, status, "sso:write is the Owner's")

	said := ""
	for _, path := range []string{providers, providers + "/" + corp.ProviderID, "/api/v2/audit", "/api/v2/sso/providers?organization=acme"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+path, nil)
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer "+w.owner.bearer)
		response, err := w.owner.Do(request)
		require.NoError(t, err)
		said += readAll(t, response)
	}
	require.Contains(t, said, corp.ProviderID)
	require.Contains(t, said, "secretReplaced")
	for _, secret := range []string{rogue.Secret, other.Secret, "tfsealed"} {
		require.NotContains(t, said+w.Output(), secret)
	}

	list := func(query string) string {
		response, err := w.client(t).Get(w.url + "/api/v2/sso/providers" + query)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, response.StatusCode)
		return readAll(t, response)
	}
	w.plant(t, "umbrella") // has none
	require.Equal(t, list(""), list("?organization=umbrella"))
	require.Equal(t, list(""), list("?organization=nowhere"))
	require.Equal(t, list(""), list("?email=a@nowhere.example"))
	require.Contains(t, list("?organization=ACME"), `"loginPath":"/api/v2/sso/`+corp.ProviderID+`/login"`)
	require.Contains(t, list("?email=any@example.com"), corp.ProviderID)
	require.Contains(t, b.post(t, w.url+"/login/sso", url.Values{"email": {"any@example.com"}}), "Log in with Example")
	require.Contains(t, w.begin(t, b, "corp", "?organization=acme"), other.URL, "found by its name and the organization's")
	require.Less(t, patch(map[string]any{"enabled": false}), 300)
	require.NotContains(t, list("?organization=acme"), corp.ProviderID)
	require.Equal(t, "/login?problem=provider", w.visit(t, b, "/api/v2/sso/"+corp.ProviderID+"/login").location)
	status, _ = w.owner.ask(t, http.MethodDelete, providers+"/"+corp.ProviderID, nil, nil)
	require.Less(t, status, 300)
}

// A domain is an organization's when its own name server says so, and never one in which
// everybody can have an address.
func TestSSO_Domains(t *testing.T) {
	t.Parallel()
	w := startSSO(t, nil)
	const domains = "/api/v2/domains"
	for _, name := range []string{"gmail.com", "outlook.com", "co.uk", "com", "not a domain", "192.0.2.1", "github.io", strings.Repeat("a", 64) + ".example"} {
		status, _ := w.owner.ask(t, http.MethodPost, domains, map[string]any{"domain": name}, nil)
		require.Equal(t, http.StatusBadRequest, status, name)
	}
	var made domain
	status, _ := w.owner.ask(t, http.MethodPost, domains, map[string]any{"domain": "Köhler.Example."}, &made)
	require.Equal(t, http.StatusCreated, status)
	require.Equal(t, "xn--khler-jua.example", made.Domain)
	require.Equal(t, "_telemetryflow-challenge.xn--khler-jua.example", made.RecordName)
	verify := func() int {
		status, _ := w.owner.ask(t, http.MethodPost, domains+"/"+made.Domain+"/verify", nil, nil)
		return status
	}
	require.Equal(t, http.StatusConflict, verify(), "there is no record")
	w.names.publish(made.RecordName, made.RecordValue+"0")
	require.Equal(t, http.StatusConflict, verify(), "there is another record")
	w.names.publish(made.RecordName, made.RecordValue)
	require.Equal(t, http.StatusOK, verify())
	var all struct{ Items []domain }
	status, _ = w.owner.ask(t, http.MethodGet, domains, nil, &all)
	require.Equal(t, http.StatusOK, status)
	require.Len(t, all.Items, 1)
	require.NotNil(t, all.Items[0].VerifiedAt)
	status, _ = w.owner.ask(t, http.MethodDelete, domains+"/"+made.Domain, nil, nil)
	require.Less(t, status, 300)
	require.Equal(t, http.StatusNotFound, verify())
}
