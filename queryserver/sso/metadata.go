package sso

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"
)

// metadata is what an OpenID provider says of itself (OpenID Connect Discovery 1.0).
type metadata struct {
	provider *oidc.Provider
	issuer   string // of ID tokens; of many directories with {tenantid}
	endpoint oauth2.Endpoint
	keys     oidc.KeySet // reads the keys again when it meets an unknown one
	userInfo bool
	issuerIn bool // the callback carries iss (RFC 9207)
	read     time.Time
}

// metadataCache remembers providers by kind and issuer. Providers of several
// organizations share an entry, which holds nothing of theirs.
type metadataCache struct {
	http   *http.Client
	now    func() time.Time
	flight singleflight.Group
	mu     sync.Mutex
	known  map[string]*metadata
}

func newMetadataCache(client *http.Client, now func() time.Time) *metadataCache {
	return &metadataCache{http: client, now: now, known: make(map[string]*metadata)}
}

// get gives fresh metadata; callers who wait for the same share one call.
func (m *metadataCache) get(ctx context.Context, provider *Provider) (*metadata, error) {
	key := string(provider.Kind) + " " + provider.issuer()
	if found := m.fresh(key); found != nil {
		return found, nil
	}
	// The call goes on when the first who waits gives up; the client's timeout ends it.
	shared := oidc.ClientContext(context.WithoutCancel(ctx), m.http)
	flight := m.flight.DoChan(key, func() (any, error) {
		if found := m.fresh(key); found != nil {
			return found, nil
		}
		found, err := discover(shared, provider)
		if err != nil {
			return nil, err
		}
		found.read = m.now()
		m.keep(key, found)
		return found, nil
	})
	select {
	case <-ctx.Done():
		return nil, unavailable(ctx.Err())
	case result := <-flight:
		if result.Err != nil {
			return nil, result.Err
		}
		return result.Val.(*metadata), nil
	}
}

func (m *metadataCache) fresh(key string) *metadata {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := m.known[key]
	if found == nil || m.now().Sub(found.read) >= metadataTTL {
		return nil
	}
	return found
}

func (m *metadataCache) keep(key string, found *metadata) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.known) >= maxMetadata {
		oldest := key
		for other, entry := range m.known {
			if known := m.known[oldest]; known == nil || entry.read.Before(known.read) {
				oldest = other
			}
		}
		delete(m.known, oldest)
	}
	m.known[key] = found
}

// discover asks a provider about itself. The issuer in the answer must be the one that
// was asked (OpenID Connect Discovery 1.0 section 4.3; ASVS 10.5.3).
func discover(ctx context.Context, provider *Provider) (*metadata, error) {
	found := &metadata{issuer: provider.issuer()}
	if provider.Kind == Entra && manyDirectories(found.issuer) {
		// The only provider whose document names a template in place of an issuer.
		found.issuer = issuerTemplate(found.issuer)
		ctx = oidc.InsecureIssuerURLContext(ctx, found.issuer)
	}
	asked, err := oidc.NewProvider(ctx, provider.issuer())
	if err != nil {
		return nil, discoveryFailed(err)
	}
	var document struct {
		Issuer      string   `json:"issuer"`
		KeysURL     string   `json:"jwks_uri"`
		AuthMethods []string `json:"token_endpoint_auth_methods_supported"`
		IssuerIn    bool     `json:"authorization_response_iss_parameter_supported"`
	}
	if err := asked.Claims(&document); err != nil {
		return nil, misconfigured(err)
	}
	if document.Issuer != found.issuer {
		return nil, misconfigured(errors.New("the discovery document names another issuer"))
	}
	found.provider, found.endpoint, found.issuerIn = asked, asked.Endpoint(), document.IssuerIn
	found.keys, found.userInfo = oidc.NewRemoteKeySet(ctx, document.KeysURL), asked.UserInfoEndpoint() != ""
	found.endpoint.AuthStyle = authStyle(document.AuthMethods)
	// Nobody is sent, and nothing is asked, where it is not secure.
	for _, address := range []string{found.endpoint.AuthURL, found.endpoint.TokenURL, document.KeysURL} {
		if _, valid := httpsURL(address); !valid {
			return nil, misconfigured(errors.New("the discovery document lacks an https address"))
		}
	}
	return found, nil
}

// authStyle is how the client proves itself at the token endpoint. It is decided here
// because the library would otherwise try both, and a code can be used once.
func authStyle(methods []string) oauth2.AuthStyle {
	if len(methods) == 0 || slices.Contains(methods, "client_secret_basic") {
		return oauth2.AuthStyleInHeader
	}
	return oauth2.AuthStyleInParams
}

func discoveryFailed(err error) error {
	var mismatch *oidc.IssuerMismatchError
	if errors.As(err, &mismatch) || strings.HasPrefix(err.Error(), "oidc: failed to decode") {
		return misconfigured(err)
	}
	return callFailed(err)
}
