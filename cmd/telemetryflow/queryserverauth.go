package main

import (
	"context"
	"strings"

	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/auth"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/token"
	"github.com/telemetryflow/telemetryflow/queryserver/httpapi"
)

// authenticator proves the caller of a request by the kind of its credential.
type authenticator struct{ logins *auth.Service }

// Authenticate is that of httpapi.Authenticator.
func (a authenticator) Authenticate(ctx context.Context, presented httpapi.Presented) (*queryserver.Call, error) {
	text := string(presented.Token)
	switch {
	case presented.Kind == httpapi.SessionCredential:
		return a.logins.ByCookie(ctx, text, presented.Client)
	case presented.Kind == httpapi.BearerCredential && strings.HasPrefix(text, string(token.ServiceAccount)):
		return a.logins.ByServiceToken(ctx, text, presented.Choice.Tenant, presented.Client)
	case presented.Kind == httpapi.BearerCredential:
		return a.logins.ByAccessToken(ctx, text, presented.Client)
	default:
		return nil, queryserver.Errorf(queryserver.Unauthenticated, "the credentials are missing, wrong or expired")
	}
}
