package token

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestASVS7_2_3_TokensHave256RandomBits(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	ones := make([]int, 8*randomBytes)
	const made = 2000
	for range made {
		text := New(Refresh).Reveal()
		require.Regexp(t, `^tfr_[0-9a-f]{64}$`, text)
		require.False(t, seen[text], "made twice")
		seen[text] = true
		for i := range 64 {
			digit := strings.IndexByte("0123456789abcdef", text[prefixLength+i])
			for bit := range 4 {
				ones[4*i+bit] += digit >> bit & 1
			}
		}
	}
	// Six standard deviations of a fair coin are 134: no bit is constant or leans.
	for bit, n := range ones {
		require.InDelta(t, made/2, n, 134, "bit %d", bit)
	}
}

func TestASVS9_2_2_TokenOfOneKindIsNoOther(t *testing.T) {
	t.Parallel()
	prefixes := make(map[Kind]bool)
	for _, made := range kinds() {
		require.NotContains(t, []Kind{"tfk_", "tfs_"}, made, "the prefixes of API keys")
		require.Len(t, string(made), prefixLength)
		require.False(t, prefixes[made], "one prefix for two kinds")
		prefixes[made] = true
		token := New(made)
		found, ok := KindOf(token.Reveal())
		require.True(t, ok)
		require.Equal(t, made, found)
		for _, wanted := range kinds() {
			read, err := Parse(wanted, token.Reveal())
			if wanted == made {
				require.NoError(t, err)
				require.Equal(t, token, read)
				continue
			}
			require.ErrorIs(t, err, errForm)
			require.Zero(t, read)
			// The same random bits under another prefix have another hash.
			twin := Token{text: string(wanted) + token.text[prefixLength:]}
			require.False(t, token.Hash().Matches(twin))
		}
	}
}

func TestParse_OneSpelling(t *testing.T) {
	t.Parallel()
	text := New(Invitation).Reveal()
	for name, wrong := range map[string]string{
		"empty":       "",
		"prefix only": "tfi_",
		"short":       text[:length-1],
		"long":        text + "0",
		"upper case":  "tfi_" + strings.ToUpper(text[4:]) + "",
		"space":       " " + text[:length-1],
		"NUL":         text[:length-1] + "\x00",
		"API key":     "tfs_" + text[4:],
		"no prefix":   text[4:] + "0000",
		"huge":        strings.Repeat(text, 1<<14),
	} {
		if wrong == text {
			continue // only digits 0 to 9: there is no upper case
		}
		_, err := Parse(Invitation, wrong)
		require.ErrorIs(t, err, errForm, name)
	}
}

func TestASVS11_2_4_HashesAreComparedWhole(t *testing.T) {
	t.Parallel()
	token := New(Session)
	hash := token.Hash()
	require.True(t, hash.Matches(token))
	for i := range hash {
		other := hash
		other[i] ^= 1
		require.False(t, other.Matches(token), "byte %d is compared", i)
	}
	require.False(t, Hash{}.Matches(Token{}))
}

func TestASVS16_2_5_TokenIsNotPrinted(t *testing.T) {
	t.Parallel()
	token := New(ServiceAccount)
	secret := token.Reveal()[prefixLength:]
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("made", "token", token)
	texts := []string{log.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		texts = append(texts, fmt.Sprintf(verb, token), fmt.Sprintf(verb, struct{ T Token }{token}))
	}
	for _, text := range texts {
		require.NotContains(t, text, secret)
		require.NotContains(t, text, fmt.Sprintf("%x", secret))
	}
	_, err := json.Marshal(struct{ T Token }{token})
	require.Error(t, err)
	_, err = Parse(ServiceAccount, "tft_"+secret[:60]+"oops")
	require.NotContains(t, err.Error(), secret[:8])
}

func FuzzParse(f *testing.F) {
	for _, kind := range kinds() {
		f.Add(New(kind).Reveal())
	}
	f.Add("tfk_0123")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		kind, ok := KindOf(text)
		token, err := Parse(kind, text)
		require.Equal(t, ok, err == nil)
		if ok {
			require.Equal(t, text, token.Reveal())
		}
	})
}
