package jwt

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	library "github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// parts are a token taken apart, to be changed and signed anew.
type parts struct{ header, body map[string]any }

func takeApart(t testing.TB, text string) parts {
	t.Helper()
	var p parts
	segments := strings.Split(text, ".")
	for i, into := range []*map[string]any{&p.header, &p.body} {
		decoded, err := base64.RawURLEncoding.DecodeString(segments[i])
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(decoded, into))
	}
	return p
}

func segment(t testing.TB, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	return base64.RawURLEncoding.EncodeToString(text)
}

// sign puts the parts together under any algorithm and key.
func (p parts) sign(t testing.TB, method library.SigningMethod, key any) string {
	t.Helper()
	text := segment(t, p.header) + "." + segment(t, p.body)
	signature, err := method.Sign(text, key)
	require.NoError(t, err)
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// ours is the key that the server signs with.
func (w *world) ours(t testing.TB) signingKey {
	t.Helper()
	key, err := w.ring.signing(w.clock.now())
	require.NoError(t, err)
	return key
}

func TestTokens_IssueAndVerify(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	wanted := someClaims()
	text, issued, err := w.tokens.Issue(wanted)
	require.NoError(t, err)
	require.Less(t, len(text), 1024)
	for range 2 { // verified, and remembered
		claims, err := w.tokens.Verify(text)
		require.NoError(t, err)
		require.True(t, issued.IssuedAt.Equal(claims.IssuedAt) && issued.Expires.Equal(claims.Expires))
		claims.IssuedAt, claims.Expires = issued.IssuedAt, issued.Expires
		require.Equal(t, issued, claims)
	}
	require.Equal(t, 5*time.Minute, issued.Expires.Sub(issued.IssuedAt))
	wanted.ID, wanted.IssuedAt, wanted.Expires = issued.ID, issued.IssuedAt, issued.Expires
	require.Equal(t, wanted, issued)

	p := takeApart(t, text)
	require.Equal(t, map[string]any{"alg": "EdDSA", "typ": "at+jwt", "kid": w.ours(t).ID}, p.header)
	require.ElementsMatch(t, []string{
		"iss", "aud", "sub", "client_id", "sid", "jti", "iat", "nbf", "exp", "organizationId", "workspaceId", "tenantId",
	}, mapKeys(p.body), "RFC 9068, 2.2, and ours")
	require.Equal(t, wanted.Tenant.String(), p.body["tenantId"])

	_, other := w.issue(t)
	require.NotEqual(t, issued.ID, other.ID)
}

func mapKeys(m map[string]any) (keys []string) {
	for key := range maps.Keys(m) {
		keys = append(keys, key)
	}
	return keys
}

func TestIssue_RefusesClaimsThatDoNotGoTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for name, change := range map[string]func(*Claims){
		"no subject":         func(c *Claims) { c.Subject = tenant.ID{} },
		"no session":         func(c *Claims) { c.Session = tenant.ID{} },
		"no workspace":       func(c *Claims) { c.Workspace = tenant.ID{} },
		"no tenant":          func(c *Claims) { c.Tenant = tenant.ID{} },
		"tenant of no other": func(c *Claims) { c.Organization = tenant.ID{} },
	} {
		claims := someClaims()
		change(&claims)
		_, _, err := w.tokens.Issue(claims)
		require.Error(t, err, name)
	}
	for _, claims := range []Claims{
		{Subject: newID(), Session: newID()},
		{Subject: newID(), Session: newID(), Organization: newID()},
	} {
		text, _, err := w.tokens.Issue(claims)
		require.NoError(t, err)
		read, err := w.tokens.Verify(text)
		require.NoError(t, err)
		require.Equal(t, claims.Organization, read.Organization)
	}
}

func TestASVS9_1_1_SignatureCoversEveryByte(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	text, _ := w.issue(t)
	for i := range text {
		for _, c := range []byte{text[i] ^ 1, 'A', '.', '='} {
			if c != text[i] {
				refuse(t, w.tokens, text[:i]+string(c)+text[i+1:], "a changed byte")
			}
		}
		refuse(t, w.tokens, text[:i], "cut")
	}
	for _, wrong := range []string{text + "A", text + "=", text + ".", " " + text, text + "\n", text[:20] + "\r\n" + text[20:], "." + text, "Bearer " + text} {
		refuse(t, w.tokens, wrong, wrong)
	}
	other := newWorld(t, nil)
	foreign, _ := other.issue(t)
	refuse(t, w.tokens, foreign, "signed by the key of another installation")
	p := takeApart(t, foreign)
	p.header["kid"] = w.ours(t).ID
	refuse(t, w.tokens, p.sign(t, library.SigningMethodEdDSA, other.ours(t).private), "the same under our kid")
	_, err := w.tokens.Verify(text)
	require.NoError(t, err)
}

func TestASVS9_1_2_OnlyEdDSA(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	text, _ := w.issue(t)
	key := w.ours(t)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	jwk, err := json.Marshal(w.ring.KeySet().Keys[0])
	require.NoError(t, err)
	for name, test := range map[string]struct {
		method library.SigningMethod
		key    any
	}{
		"none":                       {library.SigningMethodNone, library.UnsafeAllowNoneSignatureType},
		"HS256 by the public key":    {library.SigningMethodHS256, []byte(key.public)},
		"HS512 by the public key":    {library.SigningMethodHS512, []byte(key.public)},
		"HS256 by the published JWK": {library.SigningMethodHS256, jwk},
		"HS256 by its x":             {library.SigningMethodHS256, []byte(w.ring.KeySet().Keys[0].X)},
		"HS256 by nothing":           {library.SigningMethodHS256, []byte{}},
		"HS256 by the kid":           {library.SigningMethodHS256, []byte(key.ID)},
		"ES256":                      {library.SigningMethodES256, ec},
		"RS256":                      {library.SigningMethodRS256, rs},
		"PS256":                      {library.SigningMethodPS256, rs},
	} {
		p := takeApart(t, text)
		p.header["alg"] = test.method.Alg()
		forged := p.sign(t, test.method, test.key)
		refuse(t, w.tokens, forged, name)
		p.header["alg"] = "EdDSA"
		refuse(t, w.tokens, p.sign(t, test.method, test.key), name+", called EdDSA")
	}
	for _, alg := range []any{"None", "NONE", "nOnE", "", "eddsa", "Ed25519", "EdDSA ", nil, 1, []string{"EdDSA"}} {
		p := takeApart(t, text)
		p.header["alg"] = alg
		refuse(t, w.tokens, p.sign(t, library.SigningMethodEdDSA, key.private), "another spelling, rightly signed")
		refuse(t, w.tokens, segment(t, p.header)+"."+segment(t, p.body)+".", "without a signature")
	}
	refuse(t, w.tokens, text[:strings.LastIndex(text, ".")+1], "without a signature")
}

func TestASVS9_1_3_KeysComeFromTheRingAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	text, _ := w.issue(t)
	public, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	theirs := map[string]any{"kty": "OKP", "crv": "Ed25519", "x": base64.RawURLEncoding.EncodeToString(public), "kid": thumbprint(public)}
	for name, change := range map[string]func(map[string]any){
		"jwk":          func(h map[string]any) { h["jwk"] = theirs },
		"jwk, own kid": func(h map[string]any) { h["jwk"], h["kid"] = theirs, thumbprint(public) },
		"jku":          func(h map[string]any) { h["jku"] = "https://evil.example.com/jwks.json" },
		"x5u":          func(h map[string]any) { h["x5u"] = "https://evil.example.com/x" },
		"x5c":          func(h map[string]any) { h["x5c"] = []string{"MIIB"} },
		"crit":         func(h map[string]any) { h["crit"] = []string{"exp"} },
		"b64":          func(h map[string]any) { h["b64"] = false },
		"zip":          func(h map[string]any) { h["zip"] = "DEF" },
		"unknown kid":  func(h map[string]any) { h["kid"] = thumbprint(public) },
		"empty kid":    func(h map[string]any) { h["kid"] = "" },
		"no kid":       func(h map[string]any) { delete(h, "kid") },
		"number kid":   func(h map[string]any) { h["kid"] = 0 },
		"path kid":     func(h map[string]any) { h["kid"] = "../../../../dev/null" },
		"SQL kid":      func(h map[string]any) { h["kid"] = "' OR 1=1 --" },
	} {
		p := takeApart(t, text)
		change(p.header)
		refuse(t, w.tokens, p.sign(t, library.SigningMethodEdDSA, private), name)
		refuse(t, w.tokens, p.sign(t, library.SigningMethodEdDSA, w.ours(t).private), name+", signed by us")
	}
}

func TestASVS9_2_1_TimeSpan(t *testing.T) {
	t.Parallel()
	for _, remember := range []int{0, 100} {
		w := newWorld(t, func(s *Settings) { s.Leeway, s.MaxVerified = time.Minute, remember })
		start := w.clock.now()
		text, issued := w.issue(t)
		for _, at := range []struct {
			offset time.Duration
			good   bool
		}{
			{-61 * time.Second, false},
			{-60 * time.Second, true},
			{0, true},
			{5 * time.Minute, true},
			{5*time.Minute + 59*time.Second, true},
			{6 * time.Minute, false},
			{time.Hour, false},
			{0, true}, // the clock went back
			{-2 * time.Minute, false},
		} {
			w.clock.nanos.Store(start.Add(at.offset).UnixNano())
			claims, err := w.tokens.Verify(text)
			require.Equal(t, at.good, err == nil, "%s after the issue: %v", at.offset, err)
			if at.good {
				require.Equal(t, issued.ID, claims.ID)
			}
		}
	}
}

func TestASVS9_2_1_AndOthers_EveryClaimIsRequired(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	text, _ := w.issue(t)
	now := w.clock.now().Unix()
	key := w.ours(t).private
	again := takeApart(t, text)
	_, err := w.tokens.Verify(again.sign(t, library.SigningMethodEdDSA, key))
	require.NoError(t, err, "what follows fails by its change only")
	for _, claim := range []string{"exp", "nbf", "iat", "iss", "aud", "sub", "sid", "jti"} {
		for name, value := range map[string]any{"missing": nil, "empty": "", "an object": map[string]any{}, "a list": []any{}} {
			p := takeApart(t, text)
			p.body[claim] = value
			if name == "missing" {
				delete(p.body, claim)
			}
			refuse(t, w.tokens, p.sign(t, library.SigningMethodEdDSA, key), claim+" "+name)
		}
	}
	for name, change := range map[string]func(map[string]any){
		"expired":             func(b map[string]any) { b["iat"], b["nbf"], b["exp"] = now-300, now-300, now-31 },
		"too long a life":     func(b map[string]any) { b["exp"] = now + 601 },
		"no end":              func(b map[string]any) { b["exp"] = 1e18 },
		"negative life":       func(b map[string]any) { b["iat"], b["exp"] = now+20, now+10 },
		"not yet":             func(b map[string]any) { b["nbf"] = now + 31 },
		"from the future":     func(b map[string]any) { b["iat"] = now + 31 },
		"exp as text":         func(b map[string]any) { b["exp"] = "tomorrow" },
		"other issuer":        func(b map[string]any) { b["iss"] = "https://flow.example.com/" },
		"other case":          func(b map[string]any) { b["iss"] = "https://FLOW.example.com" },
		"sub not a UUID":      func(b map[string]any) { b["sub"] = "1" },
		"sub zero":            func(b map[string]any) { b["sub"] = tenant.ID{}.String() },
		"sid not a UUID":      func(b map[string]any) { b["sid"] = "1" },
		"tenant alone":        func(b map[string]any) { delete(b, "workspaceId") },
		"workspace alone":     func(b map[string]any) { delete(b, "tenantId") },
		"no organization":     func(b map[string]any) { delete(b, "organizationId") },
		"organization number": func(b map[string]any) { b["organizationId"] = 7 },
	} {
		p := takeApart(t, text)
		change(p.body)
		refuse(t, w.tokens, p.sign(t, library.SigningMethodEdDSA, key), name)
	}
}

func TestASVS9_2_2_TypeOfToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	text, _ := w.issue(t)
	for _, typ := range []any{"JWT", "jwt", "", nil, "id+jwt", "AT+JWT", "application/at+jwt", "logout+jwt", 1} {
		p := takeApart(t, text)
		p.header["typ"] = typ
		refuse(t, w.tokens, p.sign(t, library.SigningMethodEdDSA, w.ours(t).private), "typ")
	}
	p := takeApart(t, text)
	delete(p.header, "typ")
	refuse(t, w.tokens, p.sign(t, library.SigningMethodEdDSA, w.ours(t).private), "no typ")
}

func TestASVS9_2_3_9_2_4_Audience(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	text, _ := w.issue(t)
	for _, audience := range []any{"other", []string{"other"}, []string{}, "telemetryflow2", "Telemetryflow", "", 7} {
		p := takeApart(t, text)
		p.body["aud"] = audience
		refuse(t, w.tokens, p.sign(t, library.SigningMethodEdDSA, w.ours(t).private), "aud")
	}
	// The same keys for another service: neither takes the other's tokens.
	settings := w.settings
	settings.Audience = "other"
	ring, err := NewRing(t.Context(), w.store, w.sealer, settings, w.ring.logger)
	require.NoError(t, err)
	refuse(t, New(ring), text, "a token for us at the other")
	_, err = w.tokens.Verify(text)
	require.NoError(t, err)
}

// CVE-2025-30204: a token of dots, or of megabytes, cost memory before it was refused.
func TestVerify_OversizedTokensCostNothing(t *testing.T) { // it counts allocations, so alone
	w := newWorld(t, nil)
	text, _ := w.issue(t)
	huge := []string{strings.Repeat(".", 1<<20), strings.Repeat("A", 1<<20), text + strings.Repeat("A", maxToken), strings.Repeat(text+".", 10)}
	for _, token := range huge {
		refuse(t, w.tokens, token, "huge")
	}
	allocated := testing.AllocsPerRun(100, func() { _, _ = w.tokens.Verify(huge[0]) })
	require.Less(t, allocated, 5.0)
	p := takeApart(t, text)
	p.body["padding"] = strings.Repeat("x", maxToken)
	refuse(t, w.tokens, p.sign(t, library.SigningMethodEdDSA, w.ours(t).private), "too long, rightly signed")
	for _, token := range []string{"", ".", "..", "...", "a.b.c", strings.Repeat(".", maxToken), "e30.e30.", "bnVsbA.bnVsbA.AAAA"} {
		refuse(t, w.tokens, token, token)
	}
}

// CVE-2026-42602: tokens were accepted that nobody had issued.
func TestIncident4_ForeignTokensAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, token := range []string{
		"", "garbage", "tft_" + strings.Repeat("0", 64),
		"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
		// RFC 8037, appendix A.4.
		"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
	} {
		refuse(t, w.tokens, token, token)
	}
}

func TestVerify_CauseDoesNotHoldTheToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	text, _ := w.issue(t)
	w.clock.advance(time.Hour)
	_, err := w.tokens.Verify(text)
	require.ErrorIs(t, err, library.ErrTokenExpired, "for the log")
	for _, part := range strings.Split(text, ".") {
		require.NotContains(t, err.Error(), part)
	}
}

func TestVerified_IsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *Settings) { s.MaxVerified = 10 })
	first, _ := w.issue(t)
	for range 50 {
		text, _ := w.issue(t)
		_, err := w.tokens.Verify(text)
		require.NoError(t, err)
		_, err = w.tokens.Verify(first)
		require.NoError(t, err)
		require.LessOrEqual(t, len(w.tokens.verified.young)+len(w.tokens.verified.old), 10)
	}
	none := newVerified(0)
	none.put([32]byte{1}, verifiedToken{})
	_, found := none.get([32]byte{1})
	require.False(t, found)
}

// CVE-2022-39328: identities were crossed under load.
func TestIncident19_IdentitiesAreNotCrossedInParallel(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *Settings) { s.MaxVerified = 8 })
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			mine := someClaims()
			for i := range 50 {
				text, issued, err := w.tokens.Issue(mine)
				read, err2 := w.tokens.Verify(text)
				again, err3 := w.tokens.Verify(text)
				if errors.Join(err, err2, err3) != nil || read.Subject != mine.Subject || again.Tenant != mine.Tenant || read.ID != issued.ID {
					t.Error("crossed", err, err2, err3)
				}
				if i%10 == 0 {
					if err := w.ring.Refresh(t.Context()); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	callers.Wait()
}

func FuzzVerify(f *testing.F) {
	w := newWorld(f, nil)
	text, issued := w.issue(f)
	f.Add(text)
	f.Add("a.b.c")
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add(strings.Repeat(".", 100))
	f.Fuzz(func(t *testing.T, token string) {
		claims, err := w.tokens.Verify(token)
		require.Equal(t, token == text, err == nil, "only what was issued is good")
		if err == nil {
			require.Equal(t, issued.ID, claims.ID)
		}
	})
}

// FuzzClaims is of tokens that are rightly signed.
func FuzzClaims(f *testing.F) {
	w := newWorld(f, nil)
	text, _ := w.issue(f)
	segments := strings.Split(text, ".")
	header, _ := base64.RawURLEncoding.DecodeString(segments[0])
	body, _ := base64.RawURLEncoding.DecodeString(segments[1])
	f.Add(string(header), string(body))
	f.Add(`{"alg":"EdDSA"}`, `{"exp":1e400}`)
	f.Add(`null`, `[]`)
	f.Fuzz(func(t *testing.T, header, body string) {
		signed := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(body))
		signature := ed25519.Sign(w.ours(t).private, []byte(signed))
		claims, err := w.tokens.Verify(signed + "." + base64.RawURLEncoding.EncodeToString(signature))
		if err == nil {
			require.False(t, claims.Subject.IsZero() || claims.Session.IsZero() || claims.ID == "")
			require.LessOrEqual(t, claims.Expires.Sub(claims.IssuedAt), maxLifetime)
			require.True(t, w.clock.now().Before(claims.Expires.Add(maxLeeway)))
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	for name, remember := range map[string]int{"signature": 0, "remembered": 100} {
		b.Run(name, func(b *testing.B) {
			w := newWorld(b, func(s *Settings) { s.MaxVerified = remember })
			text, _ := w.issue(b)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := w.tokens.Verify(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkIssue(b *testing.B) {
	w := newWorld(b, nil)
	claims := someClaims()
	for b.Loop() {
		if _, _, err := w.tokens.Issue(claims); err != nil {
			b.Fatal(err)
		}
	}
}
