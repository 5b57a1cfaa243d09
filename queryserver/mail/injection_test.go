package mail

import (
	"fmt"
	"html"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	xhtml "golang.org/x/net/html"

	"github.com/telemetryflow/telemetryflow/internal/testkit/smtptest"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

func unescape(text string) string { return html.UnescapeString(text) }

// hostile is a letter in which every text is of an attacker's choice.
func hostile(payload string) []queryserver.Letter {
	client := queryserver.Client{IP: laptop.IP, UserAgent: payload, RequestID: payload}
	return []queryserver.Letter{
		queryserver.InvitationLetter{Organization: payload, Inviter: payload, Link: reset.Link, Expires: noon},
		queryserver.ResetLetter{Link: reset.Link, Expires: noon, Client: client},
		queryserver.LockedLetter{Until: noon, Client: client},
		queryserver.NewDeviceLetter{At: noon, Client: client},
		queryserver.CredentialLetter{Changed: payload, At: noon, Client: client},
		queryserver.KeyLetter{Organization: payload, Name: payload, ID: payload, Maker: payload, At: noon},
	}
}

// ASVS 1.3.11: what others chose can add neither a header nor a recipient nor a part,
// nor a line of the text.
func TestSend_HeaderInjection_ASVS_1_3_11(t *testing.T) {
	t.Parallel()
	sink := smtptest.Start(t)
	mailer := newMailer(t, settingsFor(sink))
	const header = "Bcc: eve@example.com"
	for i, ending := range []string{
		"\r\n", "\n", "\r", "\r\n ", "\r\n\t", "\n\r", "\r\n\r\n", "\v", "\f", "\x00", "\x00\r\n", "\u0085", "\u2028", "\u2029",
		"%0d%0a", "=0D=0A", "=?utf-8?q?=0D=0A?=", "=?utf-8?b?DQo=?=", "\r\n.\r\n", "\n.\n", "\r.\r", "\r\n.\r\nMAIL FROM:<eve@example.com>\r\n",
		"\xc2\x8d\xc2\x8a", "\xe5\x98\x8a\xe5\x98\x8d", "\xff\r\n", "\u202e", "嘊嘍", strings.Repeat("a", 70) + "\r\n", strings.Repeat("ä ", 40) + "\r\n",
	} {
		t.Run(fmt.Sprintf("%d %q", i, ending), func(t *testing.T) {
			t.Parallel()
			for j, letter := range hostile("Acme" + ending + header + ending + "--boundary" + ending + "x") {
				to := fmt.Sprintf("ada-%d-%d@example.com", i, j)
				require.NoError(t, mailer.Send(t.Context(), to, letter))
				arrived := sink.Await(t, to)
				require.Equal(t, []string{to}, arrived.To)
				require.Equal(t, "telemetryflow@telemetry.example.com", arrived.From)
				var keys []string
				for key, values := range arrived.Header {
					keys = append(keys, key)
					require.Len(t, values, 1, "%s", key)
				}
				require.ElementsMatch(t, []string{
					"Auto-Submitted", "Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Subject", "To", "X-Auto-Response-Suppress",
				}, keys)
				require.Equal(t, line(arrived.Subject, maxSubject), arrived.Subject, "the decoded subject is one line too")
				require.Equal(t, 2, strings.Count(string(arrived.Raw), "Content-Type: text/"), "two parts")
				for _, textLine := range strings.Split(arrived.Text, "\n") {
					require.False(t, strings.HasPrefix(textLine, header), "a line of the attacker's own: %q", textLine)
				}
				require.Contains(t, arrived.Text, "TelemetryFlow sent this by itself.", "to its end")
			}
		})
	}
	require.Empty(t, sink.Messages("eve@example.com"))
	require.Empty(t, sink.Messages("x@example.com"))
}

// What others chose is text: it brings no element and no attribute into the page, and
// arrives as it was.
func TestSend_HTMLEscaping_ASVS_1_3_11(t *testing.T) {
	t.Parallel()
	parsed, err := parseTemplates()
	require.NoError(t, err)
	for i, harmless := range hostile("harmless") {
		plain, err := parsed.render(harmless)
		require.NoError(t, err)
		for _, payload := range []string{
			`<script>alert(1)</script>`, `<img src=x onerror=alert(1)>`, `"><svg onload=alert(1)>`, `' onmouseover='alert(1)`,
			`<a href="https://evil.example">click</a>`, `</p><form action=//evil.example><input name=password>`, `<!--`, `--><b>`, `]]>`,
			`<style>*{display:none}</style>`, `{{.Link}}`, `{{template "link" .}}`, `&lt;b&gt;`, `javascript:alert(1)`, `<base href=//evil.example>`,
			`<meta http-equiv=refresh content=0>`, `<b`, `</html>`, "`${1}`", `<plaintext>`, `＜script＞`,
		} {
			words, err := parsed.render(hostile(payload)[i])
			require.NoError(t, err)
			require.Equal(t, elements(t, plain.html), elements(t, words.html), "%T %s", harmless, payload)
			require.Contains(t, unescape(words.html), payload)
			require.Contains(t, words.text, payload)
		}
	}
}

// elements are the tags of a page with their attributes.
func elements(t *testing.T, page string) []string {
	t.Helper()
	var tags []string
	for tokens := xhtml.NewTokenizer(strings.NewReader(page)); ; {
		switch tokens.Next() {
		case xhtml.ErrorToken:
			require.NotEmpty(t, tags)
			return tags
		case xhtml.TextToken:
		default:
			tags = append(tags, tokens.Token().String())
		}
	}
}

// Only one bare address is a recipient, whatever net/mail would make of the text.
func TestSend_RefusesOtherThanOneAddress_ASVS_1_3_11(t *testing.T) {
	t.Parallel()
	sink := smtptest.Start(t)
	mailer := newMailer(t, settingsFor(sink))
	for _, to := range []string{
		"", " ", "ada", "@example.com", "ada@", ada + ",eve@example.com", ada + ", eve@example.com", ada + ";eve@example.com", "Ada <" + ada + ">", "<" + ada + ">",
		ada + "\r\nBcc: eve@example.com", ada + "\n", "\n" + ada, " " + ada, ada + " ", ada + "\x00", "a\x00da@example.com", "ada@exam\r\nple.com",
		ada + "> SIZE=1", "ada@example.com> RCPT TO:<eve@example.com", `"ada> RCPT TO:<eve@example.com"@example.com`, `"a\r\nb"@example.com`, `"ada"@example.com`,
		"ada@example.com (comment)", "friends: ada@example.com;", "a..b@example.com", "ada@@example.com", "ada@example..com", "ad\u200ba@example.com",
		"ad\u202ea@example.com", "ada@exa\u2028mple.com", strings.Repeat("a", 250) + "@example.com",
	} {
		requireCode(t, queryserver.Invalid, mailer.Send(t.Context(), to, reset))
	}
	require.Empty(t, sink.Transcript(), "the server heard nothing of it")
	for _, to := range []string{ada, "o'hara+x=y@sub.example.com", "ADA@EXAMPLE.COM", "a_b-c.d@example.com"} {
		require.NoError(t, mailer.Send(t.Context(), to, reset))
		require.Equal(t, []string{to}, sink.Await(t, to).To)
	}
}

// A link is shown as it is or the letter is not sent.
func TestSend_RefusesOtherThanLinks(t *testing.T) {
	t.Parallel()
	sink := smtptest.Start(t)
	mailer := newMailer(t, settingsFor(sink))
	for _, link := range []string{
		"", "/reset", "javascript:alert(1)", "data:text/html,x", "https://", "//example.com/x", "https://example.com/a b", "https://example.com/\r\nBcc: eve@example.com",
		"https://example.com/\"onclick=x", "https://example.com/<b>", "ftp://example.com/x", "https://exämple.com/x", "https://example.com/" + strings.Repeat("a", maxLink),
	} {
		err := requireCode(t, queryserver.Internal, mailer.Send(t.Context(), ada, queryserver.ResetLetter{Link: link, Expires: noon}))
		require.ErrorContains(t, err.Cause, "not an http or https URL")
		requireCode(t, queryserver.Internal, mailer.Send(t.Context(), ada, queryserver.InvitationLetter{Link: link, Expires: noon}))
	}
	require.Empty(t, sink.Transcript())
	long := "https://telemetry.example.com/reset?token=" + strings.Repeat("x", 1500) + "&a=b+c%20d&quot;=1#~end"
	require.NoError(t, mailer.Send(t.Context(), ada, queryserver.ResetLetter{Link: long, Expires: noon}))
	arrived := sink.Await(t, ada)
	require.Equal(t, long, arrived.Link(t))
	require.Equal(t, 2, strings.Count(unescape(arrived.HTML), long), "to click and to read")
}
