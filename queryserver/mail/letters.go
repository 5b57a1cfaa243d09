package mail

import (
	"fmt"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// fields are what a template may name. All are single lines.
type fields map[string]string

// describe names the template of a letter and gives its fields. Nothing but this
// function hands a letter's content to a template.
func describe(letter queryserver.Letter) (template string, f fields, err error) {
	name := func(text string) string { return line(text, maxName) }
	switch l := letter.(type) {
	case queryserver.InvitationLetter:
		return "invitation", fields{
			"Organization": name(l.Organization), "Inviter": name(l.Inviter), "Link": l.Link, "Expires": moment(l.Expires),
		}, checkLink(l.Link)
	case queryserver.ResetLetter:
		return "reset", fields{"Link": l.Link, "Expires": moment(l.Expires), "Client": origin(l.Client)}, checkLink(l.Link)
	case queryserver.LinkLetter:
		return "link", fields{
			"Provider": name(l.Provider), "Link": l.Link, "Expires": moment(l.Expires), "Client": origin(l.Client),
		}, checkLink(l.Link)
	case queryserver.LockedLetter:
		return "locked", fields{"Until": moment(l.Until), "Client": origin(l.Client)}, nil
	case queryserver.NewDeviceLetter:
		return "newdevice", fields{"At": moment(l.At), "Client": origin(l.Client)}, nil
	case queryserver.CredentialLetter:
		return "credential", fields{"Changed": name(l.Changed), "At": moment(l.At), "Client": origin(l.Client)}, nil
	case queryserver.KeyLetter:
		return "key", fields{
			"Organization": name(l.Organization), "Name": name(l.Name), "ID": name(l.ID), "Maker": name(l.Maker), "At": moment(l.At),
		}, nil
	default:
		return "", nil, fmt.Errorf("there is no template for a %T", letter)
	}
}
