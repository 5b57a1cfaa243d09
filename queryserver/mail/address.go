package mail

import (
	netmail "net/mail"
	"strings"
	"unicode"
)

// maxAddress is RFC 5321 4.5.3.1.3's path of 256 bytes, without its brackets.
const maxAddress = 254

// isAddress says whether the text is one bare e-mail address. Names, comments, groups,
// lists and quoted local parts are refused, though RFC 5322 knows them: they are where
// readers of addresses disagree.
func isAddress(text string) bool {
	parsed, err := netmail.ParseAddress(text)
	return err == nil && parsed.Name == "" && parsed.Address == text && len(text) <= maxAddress &&
		!strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) })
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII })
}
