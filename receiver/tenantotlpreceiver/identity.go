package tenantotlpreceiver

import (
	"context"

	"github.com/zeebo/xxh3"
	"go.opentelemetry.io/collector/client"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/receipt"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// identityOf tells a request by who sent it for whom and by the bytes of its
// decompressed body. A caller without an API key is nobody in particular, and so are
// its requests.
func identityOf(ctx context.Context, s *signal, body []byte) receipt.Identity {
	auth, ok := client.FromContext(ctx).Auth.(*tenant.Auth)
	if !ok {
		return receipt.Identity{}
	}
	hash := xxh3.Hash128(body).Bytes()
	text := make([]byte, 0, 128)
	text = append(text, hash[:]...)
	text = append(text, auth.Choice.Workspace[:]...)
	text = append(text, auth.Choice.Tenant[:]...)
	text = append(text, s.name.String()...)
	text = append(text, 0)
	text = append(text, auth.Principal.KeyID()...)
	return xxh3.Hash128(text).Bytes()
}

// keyOf is the API key of a call, if it has one.
func keyOf(ctx context.Context) (apikey.ID, bool) {
	auth, ok := client.FromContext(ctx).Auth.(*tenant.Auth)
	if !ok {
		return apikey.ID{}, false
	}
	id, err := apikey.ParseID(auth.Principal.KeyID())
	return id, err == nil
}
