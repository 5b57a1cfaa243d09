package sso

import (
	"errors"
	"net/http"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/outbound"
)

const (
	// callTimeout bounds one call to a provider, for which a person waits.
	callTimeout = 5 * time.Second
	// pendingTTL is how long somebody may take to log in at the provider.
	pendingTTL = 10 * time.Minute
	// metadataTTL is how long discovery and keys are believed: as long as a key that
	// the provider has withdrawn is accepted at most. New keys are seen at once.
	metadataTTL = time.Hour
	// maxMetadata bounds the issuers remembered, at about 20 KiB each.
	maxMetadata = 1024
	// skew is by how much the clocks of provider and server may differ (ASVS 9.2.1).
	skew = time.Minute
	// maxAnswer bounds discovery documents, key sets and lists of addresses.
	maxAnswer = 1 << 20
	// maxIDToken bounds the work of verifying one. The largest, with 200 groups, have
	// about 12 KiB.
	maxIDToken = 32 << 10
	// maxParameter bounds each parameter of a callback.
	maxParameter = 4 << 10
	// retryAfter is when to try again after a provider failed.
	retryAfter = 10 * time.Second
)

// Settings are what a Client works with.
type Settings struct {
	// HTTP calls providers: make it with internal/outbound, because providers are
	// named by administrators of organizations. Its timeout is cut to 5 s, its answers
	// to 1 MiB, and it follows no redirects.
	HTTP *http.Client
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Client logs users in at identity providers. It may be used in parallel.
type Client struct {
	http     *http.Client
	now      func() time.Time
	metadata *metadataCache
}

// New makes a client.
func New(settings Settings) (*Client, error) {
	if settings.HTTP == nil || settings.HTTP.Transport == nil {
		return nil, errors.New("make the client of single sign-on: an HTTP client with a guarded transport is needed")
	}
	client := &Client{now: settings.Now}
	if client.now == nil {
		client.now = time.Now
	}
	guarded := *settings.HTTP
	if guarded.Timeout <= 0 || guarded.Timeout > callTimeout {
		guarded.Timeout = callTimeout
	}
	guarded.CheckRedirect = outbound.StayHere
	guarded.Jar = nil
	guarded.Transport = transport{next: outbound.Bound(guarded.Transport, maxAnswer)}
	client.http = &guarded
	client.metadata = newMetadataCache(client.http, client.now)
	return client, nil
}
