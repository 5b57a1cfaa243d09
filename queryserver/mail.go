package queryserver

import (
	"context"
	"time"
)

// Mailer sends e-mail. It returns when a mail server has taken the message.
type Mailer interface {
	Send(ctx context.Context, to string, letter Letter) error
}

// Letter is what an e-mail says: an InvitationLetter, ResetLetter and so on.
type Letter interface{ letter() }

// InvitationLetter asks somebody into an organization.
type InvitationLetter struct {
	Organization string
	Inviter      string // name or address
	Link         string
	Expires      time.Time
}

// ResetLetter lets somebody set a new password.
type ResetLetter struct {
	Link    string
	Expires time.Time
	Client  Client // that asked for it
}

// LockedLetter says that an account is locked after failed logins.
type LockedLetter struct {
	Until  time.Time
	Client Client // of the last failure
}

// NewDeviceLetter says that somebody has logged in from a device not seen before.
type NewDeviceLetter struct {
	At     time.Time
	Client Client
}

// CredentialLetter says that a password, a second factor or the recovery codes were changed.
type CredentialLetter struct {
	Changed string // such as: your password
	At      time.Time
	Client  Client
}

// KeyLetter says that an API key or a token was made.
type KeyLetter struct {
	Organization, Name, ID string
	Maker                  string
	At                     time.Time
}

// LinkLetter asks a user whether somebody who signed in at an identity provider under his
// address is he.
type LinkLetter struct {
	Provider string
	Link     string
	Expires  time.Time
	Client   Client // that signed in
}

func (InvitationLetter) letter() {}
func (ResetLetter) letter()      {}
func (LockedLetter) letter()     {}
func (NewDeviceLetter) letter()  {}
func (CredentialLetter) letter() {}
func (KeyLetter) letter()        {}
func (LinkLetter) letter()       {}
