package mail

import (
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// Lengths in characters, beyond which a text is cut: a letter has room for what helps
// its reader, not for what somebody wants to advertise.
const (
	maxName      = 100
	maxUserAgent = 120
	maxSubject   = 200
)

// maxLink is what browsers and mail programs are known to take, in bytes.
const maxLink = 2048

// line makes one line of at most limit characters from a text that anybody may have
// chosen: what is no visible character, such as CR, LF and marks that turn the direction
// of writing, becomes a space (ASVS 1.3.11). Joiners stay, as names in some scripts need
// them.
func line(text string, limit int) string {
	const nonJoiner, joiner = '\u200c', '\u200d'
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) && r != unicode.ReplacementChar || r == nonJoiner || r == joiner {
			return r
		}
		return ' '
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if characters := []rune(text); len(characters) > limit {
		return strings.TrimSpace(string(characters[:limit-1])) + "…"
	}
	return text
}

// subjectLine also breaks encoded words (RFC 2047 2) that a name brought along: mail
// programs would decode them, with the line ends and marks that line has not seen.
func subjectLine(text string) string {
	return strings.ReplaceAll(line(text, maxSubject), "=?", "= ?")
}

// moment writes a time to the minute, in UTC because the reader's zone is not known.
func moment(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 MST") }

// origin writes where a call came from.
func origin(client queryserver.Client) string {
	address := "an unknown address"
	if client.IP.IsValid() {
		address = line(client.IP.Unmap().String(), maxName)
	}
	if agent := line(client.UserAgent, maxUserAgent); agent != "" {
		return address + ", " + agent
	}
	return address
}

// checkLink says whether a link can stand in a text as it is, in full.
func checkLink(link string) error {
	unsafe := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("<>\"'`\\", r) }
	parsed, err := url.Parse(link)
	if err != nil || parsed.Scheme != "https" && parsed.Scheme != "http" || parsed.Host == "" ||
		len(link) > maxLink || strings.ContainsFunc(link, unsafe) {
		// The link may hold a secret, so it is not repeated.
		return fmt.Errorf("the link is not an http or https URL of at most %d bytes", maxLink)
	}
	return nil
}
