package mail

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/testkit/smtptest"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// The whole of each letter, as it arrives, is kept:
// UPDATE_GOLDEN=1 go test -run Golden ./queryserver/mail writes it anew.
func TestLetters_Golden(t *testing.T) {
	t.Parallel()
	sink := smtptest.Start(t)
	mailer := newMailer(t, settingsFor(sink))
	require.Len(t, letters(), len(names))
	for name, letter := range letters() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to := name + "@example.com"
			require.NoError(t, mailer.Send(t.Context(), to, letter))
			arrived := sink.Await(t, to)
			got := "Subject: " + arrived.Subject + "\n\n" + arrived.Text + "\n=== HTML ===\n" + arrived.HTML

			golden := filepath.Join("testdata", name+".golden")
			if os.Getenv("UPDATE_GOLDEN") != "" {
				require.NoError(t, os.MkdirAll("testdata", 0o755))
				require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), got)
		})
	}
}

// Neither half of a letter leaves out what the other says.
func TestLetters_TextAndHTMLSayTheSame(t *testing.T) {
	t.Parallel()
	parsed, err := parseTemplates()
	require.NoError(t, err)
	for name, letter := range letters() {
		words, err := parsed.render(letter)
		require.NoError(t, err)
		_, f, err := describe(letter)
		require.NoError(t, err)
		for field, value := range f {
			require.Contains(t, words.text, value, "%s: %s", name, field)
			require.Contains(t, unescape(words.html), value, "%s: %s", name, field)
		}
		require.NotContains(t, words.html, "<img", "letters load nothing and follow nobody")
		require.NotContains(t, words.html, "<script")
		require.NotContains(t, words.text+words.html, "req-1", "a request id is of no use to the reader")
	}
}

// A letter that is added to the domain cannot be forgotten here.
func TestLetters_EveryFieldIsSaid(t *testing.T) {
	t.Parallel()
	for name, letter := range letters() {
		_, f, err := describe(letter)
		require.NoError(t, err)
		kind := reflect.TypeOf(letter)
		require.Len(t, f, kind.NumField())
		for i := range kind.NumField() {
			require.Contains(t, f, kind.Field(i).Name, name)
		}
	}
	_, _, err := describe(nil)
	require.ErrorContains(t, err, "no template")
}

func TestMoment_IsUTC(t *testing.T) {
	t.Parallel()
	require.Equal(t, "1 March 2026, 11:00 UTC", moment(noon))
}

func TestOrigin_IsShortText(t *testing.T) {
	t.Parallel()
	client := laptop
	require.Equal(t, "192.0.2.7, "+client.UserAgent, origin(client))
	client.UserAgent = strings.Repeat("ä", 5000)
	require.Equal(t, "192.0.2.7, "+strings.Repeat("ä", maxUserAgent-1)+"…", origin(client))
	client.UserAgent = ""
	require.Equal(t, "192.0.2.7", origin(client))
	require.Equal(t, "an unknown address", origin(queryserver.Client{}))
}
