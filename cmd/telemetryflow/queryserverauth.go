package main

import (
	"context"
	"strings"

	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/auth"
	"github.com/telemetryflow/telemetryflow/queryserver/httpapi"
)

// authenticator proves the caller of a request by the kind of its credential.
type authenticator struct {
	logins *auth.Service
	keys   *keyring
}

// Authenticate is that of httpapi.Authenticator.
func (a authenticator) Authenticate(ctx context.Context, presented httpapi.Presented) (*queryserver.Call, error) {
	text := string(presented.Token)
	switch {
	case presented.Kind == httpapi.SessionCredential:
		return a.logins.ByCookie(ctx, text, presented.Client)
	case presented.Kind == httpapi.BearerCredential && strings.HasPrefix(text, queryserver.ServiceTokenPrefix):
		return a.logins.ByServiceToken(ctx, text, presented.Choice, presented.Client)
	case presented.Kind == httpapi.BearerCredential:
		return a.logins.ByAccessToken(ctx, text, presented.Client)
	case presented.Kind == httpapi.APIKeyCredential:
		proved, err := a.keys.prove(ctx, presented.Key, presented.Limited)
		if err != nil {
			return nil, err
		}
		return auth.ByAPIKey(proved, presented.Choice, presented.Client)
	default:
		return nil, errCredentials()
	}
}

func errCredentials() error {
	return queryserver.Errorf(queryserver.Unauthenticated, "The credentials are missing, wrong or expired.")
}
