package password

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// product is a word that every attacker would try here.
const product = "telemetryflow"

// minWord is how long a word of the owner must be to be looked for: shorter ones are
// in too many good passwords.
const minWord = 4

// Policy says which passwords may be chosen. There is no rule on the kinds of
// characters (ASVS 6.2.5).
type Policy struct {
	settings Settings
	common   []string // sorted, lower case
}

// Owner is whose password it will be.
type Owner struct {
	Email        string
	Organization string // its name
	// MFA says that the owner has, or must have, a second factor.
	MFA bool
}

// NewPolicy reads the list of common passwords. The error is that of Validate.
func NewPolicy(settings Settings) (*Policy, error) {
	if err := settings.Validate(); err != nil {
		return nil, err
	}
	common, err := readCommon()
	return &Policy{settings: settings, common: common}, err
}

// Check gives nil for a password that may be chosen, and otherwise Invalid, whose
// message says to the owner what to change.
func (p *Policy) Check(password string, owner Owner) error {
	if len(password) > maxBytes || !utf8.ValidString(password) {
		return refuse("The password must be text of at most %d characters.", maxLength)
	}
	shortest := p.settings.MinLengthWithoutMFA
	if owner.MFA {
		shortest = p.settings.MinLength
	}
	characters := utf8.RuneCountInString(password)
	switch {
	case characters < shortest && owner.MFA:
		return refuse("The password must have at least %d characters.", shortest)
	case characters < shortest:
		return refuse("The password must have at least %d characters, or %d with a second factor.", shortest, p.settings.MinLength)
	case characters > maxLength:
		return refuse("The password must have at most %d characters.", maxLength)
	case p.settings.Algorithm == Bcrypt && !bcryptTakes(password):
		return tooLongForBcrypt()
	case p.isCommon(password):
		return refuse("The password is one of the first that attackers try. Choose another.")
	case slices.ContainsFunc(owner.words(), containedIn(password)):
		return refuse("The password must not contain your e-mail name, your organization's name or %q.", product)
	}
	return nil
}

// isCommon says whether the password is in the list (ASVS 6.2.4), in any case of
// letters, or repeats something that is in it or too short.
func (p *Policy) isCommon(password string) bool {
	lower := strings.ToLower(password)
	unit := repeated(lower)
	if unit != lower && utf8.RuneCountInString(unit) < floorLength {
		return true
	}
	_, found := slices.BinarySearch(p.common, unit)
	return found
}

// repeated is the shortest text of which the given one is a repetition: itself, if none
// is shorter.
func repeated(text string) string {
	// Where the text is first found again in two of itself is its period.
	at := strings.Index((text + text)[min(1, len(text)):], text) + min(1, len(text))
	return text[:at]
}

// words are what the password must not contain, in the form of fold: the e-mail name,
// the organization, and the parts of both (ASVS 6.2.11).
func (o Owner) words() []string {
	words := []string{product}
	name, _, _ := strings.Cut(o.Email, "@")
	for _, text := range []string{name, o.Organization} {
		parts := strings.FieldsFunc(text, func(r rune) bool { return !wordRune(r) })
		for _, word := range append(parts, text) {
			if word = fold(word); utf8.RuneCountInString(word) >= minWord {
				words = append(words, word)
			}
		}
	}
	return words
}

func containedIn(password string) func(word string) bool {
	folded := fold(password)
	return func(word string) bool { return strings.Contains(folded, word) }
}

// fold is the letters and digits of a text, in lower case.
func fold(text string) string {
	return strings.Map(func(r rune) rune {
		if !wordRune(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, text)
}

func wordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

func refuse(format string, arguments ...any) error {
	return queryserver.Errorf(queryserver.Invalid, format, arguments...)
}

func tooLongForBcrypt() error {
	return refuse("The password must have at most %d bytes and no NUL.", bcryptBytes)
}
