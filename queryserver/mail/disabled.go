package mail

import (
	"context"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// Disabled is the mailer of an installation without a mail server.
type Disabled struct{}

// Send sends nothing. The error is Unavailable and names the setting to set.
func (Disabled) Send(context.Context, string, queryserver.Letter) error {
	return queryserver.Errorf(queryserver.Unavailable, "this installation sends no e-mail: its operator can change that by setting mail::host")
}
