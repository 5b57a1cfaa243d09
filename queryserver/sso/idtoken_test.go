package sso

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/testkit/oidctest"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

func set(name string, value any) func(map[string]any) {
	return func(claims map[string]any) { claims[name] = value }
}

func without(name string) func(map[string]any) {
	return func(claims map[string]any) { delete(claims, name) }
}

// setAgo sets a time, reckoned when the claims are made.
func setAgo(name string, d time.Duration) func(map[string]any) {
	return func(claims map[string]any) { claims[name] = time.Now().Add(-d).Unix() }
}

// ASVS 9.2.1, 9.2.3, 10.5.1, 10.5.4: claims that must be there and fit.
func TestFinish_ASVS_10_5_1_Claims(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(map[string]any)
		reason string
	}{
		"other issuer":        {set("iss", "https://accounts.example.com"), "different provider"},
		"issuer with a slash": {func(c map[string]any) { c["iss"] = c["iss"].(string) + "/" }, "different provider"},
		"no issuer":           {without("iss"), "different provider"},
		"other audience":      {set("aud", "another app"), "audience"},
		"no audience":         {without("aud"), "audience"},
		"two audiences":       {set("aud", []string{"app", "another app"}), "several audiences"},
		"for another party":   {set("azp", "another app"), "made for"},
		"party of no text":    {set("azp", 1), "made for"},
		"other nonce":         {set("nonce", "x"), "nonce"},
		"no nonce":            {without("nonce"), "nonce"},
		"expired":             {setAgo("exp", 90*time.Second), "expired"},
		"no expiry":           {without("exp"), "expired"},
		"from the future":     {setAgo("iat", -90*time.Second), "future"},
		"of before":           {setAgo("iat", 90*time.Second), "before the login"},
		"no time":             {without("iat"), "before the login"},
		"not valid yet":       {setAgo("nbf", -90*time.Second), "not valid yet"},
		"of no time":          {set("nbf", "soon"), ""},
		"other access token":  {set("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"), "access token hash"},
		"at_hash of no text":  {set("at_hash", nil), ""},
		"no subject":          {without("sub"), "subject"},
		"empty subject":       {set("sub", ""), "subject"},
		"subject of number":   {set("sub", 1), ""},
		"subject too long":    {set("sub", strings.Repeat("a", 256)), "subject"},
		"token too long":      {set("padding", strings.Repeat("x", maxIDToken)), "too long"},
		"subject with NUL":    {set("sub", "ada\x00"), "subject"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRoguery(t)
			r.accepts(t)
			r.Claims = test.change
			r.refuses(t, test.reason)
		})
	}
}

// Clocks may differ by a minute, and several audiences are fine when one is the party.
func TestFinish_ASVS_9_2_1_SkewAllowed(t *testing.T) {
	t.Parallel()
	r := newRoguery(t)
	for _, change := range []func(map[string]any){
		setAgo("exp", 40*time.Second), setAgo("iat", -40*time.Second), setAgo("iat", 40*time.Second), setAgo("nbf", -40*time.Second),
		func(c map[string]any) { c["aud"], c["azp"] = []string{"app", "another app"}, "app" },
		without("at_hash"),
	} {
		r.Claims = change
		r.accepts(t)
	}
}

// The skew is a minute to the second.
func TestExpectation_ASVS_9_2_1_CheckTimes(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	expected := &expectation{now: now, pending: &Pending{Begun: now.Add(-10 * time.Second)}}
	check := func(expiry, issued, notBefore time.Duration) error {
		token := &idToken{IDToken: &oidc.IDToken{Expiry: now.Add(expiry), IssuedAt: now.Add(issued)}}
		token.claims = claims{"nbf": json.RawMessage(strconv.FormatInt(now.Add(notBefore).Unix(), 10))}
		return expected.checkTimes(token)
	}
	require.NoError(t, check(-59*time.Second, 60*time.Second, 60*time.Second))
	require.NoError(t, check(time.Hour, -70*time.Second, 0))
	require.ErrorContains(t, check(-60*time.Second, 0, 0), "expired")
	require.ErrorContains(t, check(time.Hour, 61*time.Second, 0), "future")
	require.ErrorContains(t, check(time.Hour, -71*time.Second, 0), "before the login")
	require.ErrorContains(t, check(time.Hour, 0, 61*time.Second), "not valid yet")
}

// ASVS 9.1.1 to 9.1.3: only the provider's keys, with allowed algorithms.
func TestFinish_ASVS_9_1_2_Signatures(t *testing.T) {
	t.Parallel()
	stolen, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	unsigned := func(header string) func(*roguery) func([]byte) string {
		return func(*roguery) func([]byte) string {
			return func(payload []byte) string {
				encode := base64.RawURLEncoding.EncodeToString
				return encode([]byte(header)) + "." + encode(payload) + "."
			}
		}
	}
	for name, sign := range map[string]func(*roguery) func([]byte) string{
		"alg none":     unsigned(`{"alg":"none"}`),
		"alg None":     unsigned(`{"alg":"None"}`),
		"no alg":       unsigned(`{"typ":"JWT"}`),
		"no signature": unsigned(`{"alg":"ES256"}`),
		"HS256 with the client's secret": func(r *roguery) func([]byte) string {
			return func(payload []byte) string { return r.SignWith(payload, jose.HS256, []byte(r.Secret+r.Secret), "") }
		},
		"HS256 with the public key": func(r *roguery) func([]byte) string {
			public, err := x509.MarshalPKIXPublicKey(r.Key.Public())
			require.NoError(t, err)
			return func(payload []byte) string { return r.SignWith(payload, jose.HS256, public, r.KeyID) }
		},
		"another key, same id": func(r *roguery) func([]byte) string {
			return func(payload []byte) string { return r.SignWith(payload, jose.ES256, stolen, r.KeyID) }
		},
		"another key, unknown id": func(r *roguery) func([]byte) string {
			return func(payload []byte) string { return r.SignWith(payload, jose.ES256, stolen, "unknown") }
		},
		"another key, in the header": func(r *roguery) func([]byte) string {
			return func(payload []byte) string { return r.SignWith(payload, jose.ES256, stolen, "embedded") }
		},
		"another algorithm": func(r *roguery) func([]byte) string {
			return func(payload []byte) string { return r.SignWith(payload, jose.RS512, other, r.KeyID) }
		},
		"changed payload": func(r *roguery) func([]byte) string {
			return func(payload []byte) string {
				parts := strings.Split(r.SignWith(payload, jose.ES256, r.Key, r.KeyID), ".")
				parts[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(payload), "ada", "eve", 1)))
				return strings.Join(parts, ".")
			}
		},
		"not a token": func(*roguery) func([]byte) string { return func([]byte) string { return "x" } },
		"no token":    func(*roguery) func([]byte) string { return func([]byte) string { return "" } },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRoguery(t)
			r.accepts(t)
			r.Sign = sign(r)
			r.refuses(t, "")
			require.Zero(t, r.Requests("/userinfo"), "nothing is asked with what is not proved")
		})
	}
}

// The header of a token names no place for keys.
func TestFinish_ASVS_9_1_3_HeaderNamesNoKeys(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"jku", "x5u"} {
		r := newRoguery(t)
		r.Sign = func(payload []byte) string {
			signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: r.Key},
				(&jose.SignerOptions{}).WithHeader(jose.HeaderKey(header), r.URL+"/stolen").WithHeader("kid", "unknown"))
			if err != nil {
				return err.Error()
			}
			signed, err := signer.Sign(payload)
			if err != nil {
				return err.Error()
			}
			compact, _ := signed.CompactSerialize()
			return compact
		}
		r.refuses(t, "signature")
		require.Zero(t, r.Requests("/stolen"))
	}
}

// The list of allowed algorithms is the configuration's, not the provider's.
func TestFinish_ASVS_9_1_2_AlgorithmsConfigured(t *testing.T) {
	t.Parallel()
	r := newRoguery(t)
	r.accepts(t)
	r.provider.Algorithms = []string{"RS256"}
	r.refuses(t, "algorithm")
}

// ASVS 10.5.2: userinfo tells of the user of the ID token.
func TestFinish_ASVS_10_5_2_UserInfo(t *testing.T) {
	t.Parallel()
	r := newRoguery(t)
	r.Claims = func(c map[string]any) { delete(c, "email"); delete(c, "name") }
	r.UserInfo = func(c map[string]any) {
		c["email"], c["email_verified"], c["name"], c["picture"] = "a@example.com", "true", "Ada", "http://example.com/a.png"
	}
	identity := r.accepts(t)
	require.Equal(t, "a@example.com", identity.Email)
	require.True(t, identity.EmailVerified)
	require.Equal(t, "Ada", identity.Name)
	require.Empty(t, identity.Picture, "not https")
	for _, change := range []func(map[string]any){set("sub", "eve"), set("sub", ""), without("sub")} {
		r.UserInfo = change
		r.refuses(t, "another user")
	}
}

// An address and its verification are of one source.
func TestFinish_EmailNotMixed(t *testing.T) {
	t.Parallel()
	r := newRoguery(t)
	r.Claims = func(c map[string]any) { delete(c, "name"); delete(c, "email_verified"); c["email"] = "ceo@example.com" }
	r.UserInfo = func(c map[string]any) { c["email"], c["email_verified"] = "eve@example.com", true }
	identity := r.accepts(t)
	require.Equal(t, "ceo@example.com", identity.Email)
	require.False(t, identity.EmailVerified)

	r.Claims = func(c map[string]any) { delete(c, "email"); c["email_verified"] = true }
	r.UserInfo = set("email", "ceo@example.com")
	require.False(t, r.accepts(t).EmailVerified)
}

func TestFinish_Profile(t *testing.T) {
	t.Parallel()
	r := newRoguery(t)
	for address, kept := range map[any]bool{
		"ada@example.com": true, "Ada <ada@example.com>": false, "ada": false, "a@b, c@d": false, "": false, 1: false,
		"ada@example.com\nBcc: x@example.com": false, strings.Repeat("a", 251) + "@b.c": false,
	} {
		r.Claims = set("email", address)
		identity := r.accepts(t)
		require.Equal(t, kept, identity.Email != "", "%v", address)
		require.Equal(t, kept, identity.EmailVerified, "%v", address)
	}
	r.Claims = func(c map[string]any) {
		c["name"], c["picture"] = "Ada\r\nLove\u202elace"+strings.Repeat("é", 200), "javascript:alert(1)"
		c["amr"], c["acr"], c["auth_time"] = []string{"pwd", "otp"}, "gold", 1_700_000_000
	}
	identity := r.accepts(t)
	require.True(t, strings.HasPrefix(identity.Name, "AdaLovelaceéé"), identity.Name)
	require.LessOrEqual(t, len(identity.Name), maxPerson)
	require.Empty(t, identity.Picture)
	require.Equal(t, []string{"pwd", "otp"}, identity.AMR)
	require.Equal(t, "gold", identity.ACR)
	require.True(t, identity.AuthTime.Equal(time.Unix(1_700_000_000, 0)))
	r.Claims = func(c map[string]any) { c["amr"], c["acr"], c["auth_time"], c["name"] = "pwd", 1, "x", []int{1} }
	identity = r.accepts(t)
	require.Equal(t, []string{"pwd"}, identity.AMR)
	require.Empty(t, identity.ACR)
	require.True(t, identity.AuthTime.IsZero())
}

// ASVS 6.8.4: what is asked for is proved.
func TestFinish_ASVS_6_8_4_MaxAge(t *testing.T) {
	t.Parallel()
	r := newRoguery(t)
	r.provider.Parameters = map[string]string{"max_age": "60"}
	r.refuses(t, "max_age")
	r.Claims = setAgo("auth_time", 200*time.Second)
	r.refuses(t, "max_age")
	r.Claims = setAgo("auth_time", 40*time.Second)
	r.accepts(t)
}

// Nothing that a provider writes reaches the user, and little the log.
func TestFinish_ProviderTextsNotEchoed(t *testing.T) {
	t.Parallel()
	const text = "<script>alert('ECHO')</script>"
	long := strings.Repeat("ECHO\n", 10_000)
	for name, serve := range map[string]func(w http.ResponseWriter, r *http.Request) bool{
		"refusal": func(w http.ResponseWriter, r *http.Request) bool {
			oidctest.WriteJSON(w, http.StatusBadRequest, map[string]any{"error": text, "error_description": text + long})
			return true
		},
		"failure": func(w http.ResponseWriter, r *http.Request) bool {
			http.Error(w, text+long, http.StatusInternalServerError)
			return true
		},
		"no JSON": func(w http.ResponseWriter, r *http.Request) bool { _, _ = w.Write([]byte(text + long)); return true },
		"redirect": func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "https://example.com/"+text, http.StatusTemporaryRedirect)
			return true
		},
	} {
		for _, path := range []string{"/token", "/jwks", "/userinfo", "/.well-known/openid-configuration"} {
			t.Run(name+" of "+path, func(t *testing.T) {
				t.Parallel()
				r := newRoguery(t)
				r.Claims = without("email")
				login := begin(t, r.client, r.provider)
				callback := r.Authorize(login.URL)
				if path == "/.well-known/openid-configuration" {
					r.client, _ = newClient(t, r.URL, r.Roots)
				}
				r.Serve = func(w http.ResponseWriter, request *http.Request) bool {
					return request.URL.Path == path && serve(w, request)
				}
				_, err := r.client.Finish(t.Context(), r.provider, login.Pending, callback, string(login.Cookie))
				var told *queryserver.Error
				require.ErrorAs(t, err, &told)
				require.NotContains(t, told.Message, "ECHO")
				require.LessOrEqual(t, len(told.Error()), len(told.Message)+maxCause+50)
				require.NotContains(t, told.Error(), "\n")
				require.NotContains(t, told.Error(), r.Secret)
				require.LessOrEqual(t, r.Requests("/token"), 1, "a code is sent once")
			})
		}
	}
}
