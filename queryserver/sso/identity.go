package sso

import (
	"net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Identity is who logged in, in a provider's words. Provider, Issuer and Subject
// together name one person for ever; nothing else does (ASVS 6.8.1, 10.5.2). Subject
// is an opaque text, also where it looks like a number, and never an id of ours.
type Identity struct {
	Provider string // Provider.ID
	Issuer   string // of Entra with the directory that the user is of
	Subject  string // of Entra the object id, of GitHub the number of the account

	// Email is empty when the provider tells none that is well-formed.
	Email string
	// EmailVerified says that the provider vouches for the address now. It can serve
	// to accept an invitation, and never to find an account.
	EmailVerified bool
	Name          string
	Picture       string // an https URL, or empty

	// AMR and ACR say how the user proved himself (OpenID Connect Core section 2; ASVS
	// 6.8.4). Empty means one factor; so it is with GitHub.
	AMR      []string
	ACR      string
	AuthTime time.Time // when he did; zero when unknown
}

const (
	maxSubject = 255  // OpenID Connect Core section 2
	maxEmail   = 254  // RFC 5321, with the brackets left out
	maxPerson  = 200  // of a name
	maxPicture = 2000 // what is kept of one
)

// setEmail takes an address that is well-formed and plain.
func (i *Identity) setEmail(address string, verified bool) {
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address || len(address) > maxEmail || address != printable(address, maxEmail) {
		i.Email, i.EmailVerified = "", false
		return
	}
	i.Email, i.EmailVerified = address, verified
}

// setProfile takes what is shown to others.
func (i *Identity) setProfile(name, picture string) {
	i.Name, i.Picture = strings.TrimSpace(printable(name, maxPerson)), ""
	if _, valid := httpsURL(picture); valid && len(picture) <= maxPicture && picture == printable(picture, maxPicture) {
		i.Picture = picture
	}
}

// validSubject is a text that can name somebody.
func validSubject(subject string) bool {
	return subject != "" && len(subject) <= maxSubject && subject == printable(subject, maxSubject)
}

// printable is a text without control and direction characters, cut to a number of
// bytes.
func printable(text string, most int) string {
	kept := strings.Map(func(c rune) rune {
		if c == utf8.RuneError || unicode.IsControl(c) || unicode.In(c, unicode.Bidi_Control, unicode.Cf, unicode.Zl, unicode.Zp) {
			return -1
		}
		return c
	}, text)
	if len(kept) <= most {
		return kept
	}
	for most > 0 && !utf8.RuneStart(kept[most]) {
		most--
	}
	return kept[:most]
}
