package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"maps"
	"testing"
	"time"

	library "github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/apikey/keyadmin"
	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/jwt"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/seal"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/token"
)

// refused are credentials that do not hold, for every reason that there is.
func (w *world) refused() []maker {
	o := w.ours
	say := func(name string, headers func(t *testing.T) map[string]string) maker {
		return func(t *testing.T) *caller { return &caller{name: name, estate: o, headers: headers(t)} }
	}
	return []maker{
		say("garbage bearer", func(*testing.T) map[string]string { return bearer("garbage") }),
		say("garbage cookie", func(*testing.T) map[string]string { return byBrowser("garbage") }),
		say("unknown session", func(*testing.T) map[string]string { return byBrowser(token.New(token.Session).Reveal()) }),
		say("unknown service token", func(*testing.T) map[string]string { return bearer(token.New(token.ServiceAccount).Reveal()) }),
		say("a refresh token as a bearer", func(t *testing.T) map[string]string { return bearer(o.newSession(t, o.user, time.Hour).refresh) }),
		say("unknown API key", func(*testing.T) map[string]string { return byPair(apikey.NewCredential()) }),
		say("wrong secret", func(*testing.T) map[string]string {
			return byPair(apikey.Credential{ID: o.key.ID, Secret: apikey.NewSecret()})
		}),
		say("malformed API key", func(*testing.T) map[string]string {
			return map[string]string{apikey.IDHeader: "tfk_1", apikey.SecretHeader: "tfs_2"}
		}),
		say("disabled user by JWT", func(t *testing.T) map[string]string { return bearer(o.gone(t, o.disable).access) }),
		say("disabled user by cookie", func(t *testing.T) map[string]string { return byBrowser(o.gone(t, o.disable).cookie) }),
		say("deleted user by JWT", func(t *testing.T) map[string]string { return bearer(o.gone(t, o.remove).access) }),
		say("deleted user by cookie", func(t *testing.T) map[string]string { return byBrowser(o.gone(t, o.remove).cookie) }),
		say("ended session by JWT", func(t *testing.T) map[string]string { return bearer(o.gone(t, o.end).access) }),
		say("ended session by cookie", func(t *testing.T) map[string]string { return byBrowser(o.gone(t, o.end).cookie) }),
		say("expired session by JWT", func(t *testing.T) map[string]string { return bearer(o.newSession(t, o.user, time.Nanosecond).access) }),
		say("expired session by cookie", func(t *testing.T) map[string]string {
			return byBrowser(o.newSession(t, o.user, time.Nanosecond).cookie)
		}),
		say("expired API key", func(t *testing.T) map[string]string { return byPair(o.endedKey(t, true)) }),
		say("revoked API key", func(t *testing.T) map[string]string { return byPair(o.endedKey(t, false)) }),
		say("expired service token", func(t *testing.T) map[string]string {
			_, secret := o.newToken(t, o.account, time.Nanosecond)
			return bearer(secret)
		}),
		say("revoked service token", func(t *testing.T) map[string]string {
			id, secret := o.newToken(t, o.account, time.Hour)
			require.NoError(t, o.store.RevokeToken(t.Context(), o.operator, o.account, id))
			return bearer(secret)
		}),
		say("token of a disabled service account", func(t *testing.T) map[string]string {
			account := o.newAccount(t, queryserver.RoleOwner)
			_, secret := o.newToken(t, account, time.Hour)
			off := queryserver.ServiceAccount{ID: account, Name: o.canary + fresh()}
			require.NoError(t, o.store.UpdateServiceAccount(t.Context(), o.operator, off, o.everywhere(queryserver.RoleOwner)))
			return bearer(secret)
		}),
		w.forged("expired access token", func(f *forgery) { f.life = -time.Hour }),
		w.forged("wrong audience", func(f *forgery) { f.claims["aud"] = "grafana" }),
		w.forged("wrong issuer", func(f *forgery) { f.claims["iss"] = "https://elsewhere.example.com" }),
		w.forged("wrong type", func(f *forgery) { f.header["typ"] = "JWT" }),
		w.forged("signed by another key", func(f *forgery) { _, f.key, _ = ed25519.GenerateKey(rand.Reader) }),
		w.forged("signed by an unknown key", func(f *forgery) {
			f.header["kid"] = "unknown"
			_, f.key, _ = ed25519.GenerateKey(rand.Reader)
		}),
		w.forged("another user's session", func(f *forgery) { f.claims["sub"] = w.theirs.user.User.String() }),
		w.forged("another organization", func(f *forgery) { f.claims["organizationId"] = w.theirs.organization.String() }),
		w.forged("unsigned", func(f *forgery) { f.unsigned = true }),
	}
}

// gone is a session that was good until something happened to its user.
func (e *estate) gone(t *testing.T, happens func(*testing.T, queryserver.UserRef, opened)) opened {
	t.Helper()
	user := e.newUser(t, queryserver.RoleOwner)
	session := e.newSession(t, user, time.Hour)
	happens(t, user, session)
	return session
}

func (e *estate) disable(t *testing.T, user queryserver.UserRef, _ opened) {
	t.Helper()
	off := false
	require.NoError(t, e.store.UpdateUser(t.Context(), e.operator, user.User, nil, &off))
}

func (e *estate) remove(t *testing.T, user queryserver.UserRef, _ opened) {
	t.Helper()
	require.NoError(t, e.store.DeleteUser(t.Context(), e.operator, user.User))
}

func (e *estate) end(t *testing.T, user queryserver.UserRef, session opened) {
	t.Helper()
	require.NoError(t, e.store.EndSession(t.Context(), e.operator.Subject, queryserver.Client{}, user, session.id, "test"))
}

func (e *estate) endedKey(t *testing.T, expired bool) apikey.Credential {
	t.Helper()
	key := keyadmin.NewKey{Name: e.canary, Kind: keyadmin.Tenant, Binding: e.shop.Tenant, Permissions: readPermissions()}
	if expired {
		past := time.Now().Add(-time.Hour)
		key.ExpiresAt = &past
	}
	_, credential, err := e.keys.Create(t.Context(), key)
	require.NoError(t, err)
	if !expired {
		_, err = e.keys.Revoke(t.Context(), credential.ID)
		require.NoError(t, err)
	}
	return credential
}

// forgery is an access token by the server's own key, but for what is changed.
type forgery struct {
	header   map[string]any
	claims   library.MapClaims
	life     time.Duration
	key      ed25519.PrivateKey
	unsigned bool
}

// forged makes sure that the token would be good unchanged.
func (w *world) forged(name string, change func(*forgery)) maker {
	return func(t *testing.T) *caller {
		user := w.ours.newUser(t, queryserver.RoleOwner)
		session := w.ours.newSession(t, user, time.Hour)
		good := w.forge(t, session.access, func(*forgery) {})
		_, err := w.logins.Tokens.Verify(good)
		require.NoError(t, err, "the token is refused for another reason than %s", name)
		return &caller{name: name, estate: w.ours, headers: bearer(w.forge(t, session.access, change))}
	}
}

func (w *world) forge(t *testing.T, like string, change func(*forgery)) string {
	t.Helper()
	claims := library.MapClaims{}
	parsed, _, err := library.NewParser().ParseUnverified(like, claims)
	require.NoError(t, err)
	f := &forgery{header: parsed.Header, claims: claims, life: 5 * time.Minute, key: w.signingKey(t)}
	change(f)
	now := time.Now()
	f.claims["exp"], f.claims["iat"], f.claims["nbf"] = now.Add(f.life).Unix(), now.Unix(), now.Unix()
	if f.life < 0 {
		f.claims["iat"], f.claims["nbf"] = now.Add(f.life-time.Minute).Unix(), now.Add(f.life-time.Minute).Unix()
	}
	if f.unsigned {
		unsigned := &library.Token{Header: headed(f.header, "alg", "none"), Claims: f.claims, Method: library.SigningMethodNone}
		text, err := unsigned.SignedString(library.UnsafeAllowNoneSignatureType)
		require.NoError(t, err)
		return text
	}
	text, err := (&library.Token{Header: f.header, Claims: f.claims, Method: library.SigningMethodEdDSA}).SignedString(f.key)
	require.NoError(t, err)
	return text
}

func headed(header map[string]any, name string, value any) map[string]any {
	header = maps.Clone(header)
	header[name] = value
	return header
}

// signingKey is the server's own, out of the database.
func (w *world) signingKey(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	stored, err := w.store.SigningKeys().Keys(t.Context())
	require.NoError(t, err)
	require.Len(t, stored, 1)
	sealer, err := seal.New(w.config.Secrets)
	require.NoError(t, err)
	seed, err := sealer.Open(stored[0].Sealed, jwt.SealedIn(stored[0].ID))
	require.NoError(t, err)
	return ed25519.NewKeyFromSeed(seed)
}
