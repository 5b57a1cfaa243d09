package oidctest

import (
	"encoding/json"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProvider(t *testing.T) {
	t.Parallel()
	p := NewProvider(t, Client{ID: "app", Secret: "a secret of the application", RedirectURIs: []string{"https://app.example.com/back"}})
	p.SetAccounts(t, map[string]map[string]any{"ada": {"email": "ada@example.com"}})
	browser := NewBrowser(p.Roots)
	keys := func() string {
		response, err := browser.client.Get(p.Issuer + "/jwks")
		require.NoError(t, err)
		defer response.Body.Close()
		var set struct{ Keys []struct{ Kid string } }
		require.NoError(t, json.NewDecoder(response.Body).Decode(&set))
		require.Len(t, set.Keys, 3)
		return set.Keys[0].Kid
	}
	authorize := p.Issuer + "/auth?" + url.Values{
		"client_id": {"app"}, "response_type": {"code"}, "scope": {"openid"}, "state": {"s"},
		"redirect_uri": {"https://app.example.com/back"}, "code_challenge_method": {"S256"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"},
	}.Encode()

	callback := browser.LogIn(t, authorize, "ada")
	require.Equal(t, "s", callback.Get("state"))
	require.NotEmpty(t, callback.Get("code"))
	require.Equal(t, p.Issuer, callback.Get("iss"))
	require.Equal(t, "access_denied", NewBrowser(p.Roots).Deny(t, authorize).Get("error"))

	before := keys()
	p.RotateKeys(t)
	require.NotEqual(t, before, keys())
	require.NotEmpty(t, browser.LogIn(t, authorize, "ada").Get("code"), "sessions outlive a rotation")

	p.Stop()
	_, err := browser.client.Get(p.Issuer)
	require.Error(t, err)
}
