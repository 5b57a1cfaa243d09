package password

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

func policy(t testing.TB, change func(*Settings)) *Policy {
	t.Helper()
	settings := DefaultSettings()
	if change != nil {
		change(&settings)
	}
	p, err := NewPolicy(settings)
	require.NoError(t, err)
	return p
}

func refused(t *testing.T, p *Policy, password string, owner Owner) string {
	t.Helper()
	err := p.Check(password, owner)
	require.Error(t, err, "%q", password)
	require.Equal(t, queryserver.Invalid, queryserver.CodeOf(err))
	return err.Error()
}

func TestASVS6_2_1_LeastLength(t *testing.T) {
	t.Parallel()
	p := policy(t, nil)
	withMFA, without := Owner{MFA: true}, Owner{}
	require.Contains(t, refused(t, p, "", withMFA), "at least 8")
	require.Contains(t, refused(t, p, "dGv7-qx", withMFA), "at least 8")
	require.NotContains(t, refused(t, p, "dGv7-qx", withMFA), "dGv7", "what was tried is not repeated")
	require.NoError(t, p.Check("dGv7-qxz", withMFA))
	require.Contains(t, refused(t, p, "dGv7-qxzdGv7-q", without), "at least 15")
	require.NoError(t, p.Check("dGv7-qxzdGv7-qy", without))
	// Characters count, not bytes.
	require.Contains(t, refused(t, p, "éàüößñç", withMFA), "at least 8")
	require.NoError(t, p.Check("éàüößñçø", withMFA))
	longer := policy(t, func(s *Settings) { s.MinLength = 12 })
	refused(t, longer, "dGv7-qxzdGv", withMFA)
	require.NoError(t, longer.Check("dGv7-qxzdGvw", withMFA))
}

func TestASVS6_2_9_LongPasswordsAreAllowed(t *testing.T) {
	t.Parallel()
	p := policy(t, nil)
	text := "a long sentence about nothing that goes on and on and does not ever repeat itself, " +
		"because then it would be refused by another rule"
	for _, length := range []int{64, 65, 100, 128} {
		require.NoError(t, p.Check(text[:length], Owner{}), "%d characters", length)
	}
	require.Contains(t, refused(t, p, text[:128]+"x", Owner{}), "at most 128")
	emoji := "🦊🐻🐼🐨🐯🦁🐮🐷🐸🐵🐔🐧🐦🐤🦆🦅🦉🦇🐺🐗🐴🦄🐝🐛🦋🐌🐞🐜🦟🦗🕷🦂" // 4 bytes each
	require.NoError(t, p.Check(emoji, Owner{}))
	require.Contains(t, refused(t, p, strings.Repeat("🦊", 127)+"🐻x", Owner{}), "at most 128")
	refused(t, p, strings.Repeat("x", 1<<20), Owner{})
	refused(t, p, "not UTF-8 \xff but long enough", Owner{})
}

func TestASVS6_2_5_NoRulesOnCharacters(t *testing.T) {
	t.Parallel()
	p := policy(t, nil)
	for _, password := range []string{
		"onlyalphabetsinhere", "ONLYCAPITALLETTERSX", "830174652938471", "        spaces    ", "-_!?&=+#~*^°§$%/()", "日本語のとても長いパスワードです",
		"tab\tand NUL\x00 in it",
	} {
		require.NoError(t, p.Check(password, Owner{}), "%q", password)
	}
}

func TestASVS6_2_4_CommonPasswordsAreRefused(t *testing.T) {
	t.Parallel()
	p := policy(t, nil)
	require.GreaterOrEqual(t, len(p.common), 3000)
	require.True(t, slices.IsSorted(p.common), "or the search would miss some")
	require.Len(t, slices.Compact(slices.Clone(p.common)), len(p.common))
	owner := Owner{MFA: true}
	for _, common := range p.common {
		require.GreaterOrEqual(t, utf8.RuneCountInString(common), floorLength)
		require.Equal(t, strings.ToLower(common), common)
		require.Error(t, p.Check(common, owner), common)
		require.Error(t, p.Check(strings.ToUpper(common), owner), common)
	}
	for _, password := range []string{
		"password", "PassWord", "password1", "iloveyou", "12345678", "1234567890", "qwertyuiop", "baseball", "trustno1",
		"aaaaaaaaaaaaaaaaaaa", "abcabcabcabcabcabc", "passwordpassword", "PasswordPasswordPassword", "1234512345123451234512345", "é" + strings.Repeat("é", 20),
	} {
		require.Contains(t, refused(t, p, password, owner), "first that attackers try", "%q", password)
	}
	require.NoError(t, p.Check("correct horse battery staple", owner))
}

func TestASVS6_2_11_OwnersWordsAreRefused(t *testing.T) {
	t.Parallel()
	p := policy(t, nil)
	owner := Owner{Email: "Jane.Doe-Smith@example.com", Organization: "Acme Rockets, Inc.", MFA: true}
	for _, password := range []string{
		"jane.doe-smith-7731", "xxJANEDOESMITHqq", "j.a.n.e.d.o.e.s.m.i.t.h!", "my-smith-password", "jane in the jungle",
		"acmerocketsinc99", "I work at ACME.", "rockets to the moon", "TelemetryFlow rules", "telemetry-flow-2026",
	} {
		require.Contains(t, refused(t, p, password, owner), "must not contain", "%q", password)
	}
	for _, password := range []string{
		"doe a deer, a female deer", // words of under four letters are in too much
		"the incident was nothing",
		"example.com is a domain", // that of the address is not looked for
	} {
		require.NoError(t, p.Check(password, owner), "%q", password)
	}
	// Owners without words, and with odd ones.
	for _, nobody := range []Owner{{}, {Email: "@", Organization: "  "}, {Email: "jo@x", Organization: "a b"}, {Email: "...@..."}} {
		require.NoError(t, p.Check("quite long and odd", nobody))
	}
	require.Error(t, p.Check("viel Müllers Mühle geht", Owner{Email: "MÜLLER@x.de"}))
}

func TestCheck_BcryptTakesLess(t *testing.T) {
	t.Parallel()
	p := policy(t, func(s *Settings) { s.Algorithm = Bcrypt })
	text := "a long sentence about nothing that goes on and on and does not repeat it"
	require.Len(t, text, 72)
	require.NoError(t, p.Check(text, Owner{}))
	require.Contains(t, refused(t, p, text+"x", Owner{}), "72 bytes")
	require.Contains(t, refused(t, p, "fifteen and NUL\x00", Owner{}), "NUL")
}

func TestRepeated(t *testing.T) {
	t.Parallel()
	for text, unit := range map[string]string{
		"": "", "a": "a", "aa": "a", "ab": "ab", "abab": "ab", "aba": "aba", "abaaba": "aba", "éé": "é", "aab": "aab", "abcabcab": "abcabcab",
	} {
		require.Equal(t, unit, repeated(text), "%q", text)
	}
}

func FuzzCheck(f *testing.F) {
	p := policy(f, nil)
	f.Add("password", "jane@example.com", "Acme", true)
	f.Add("correct horse battery staple", "", "", false)
	f.Add("\xff\x00", "@", "é", true)
	f.Fuzz(func(t *testing.T, password, email, organization string, mfa bool) {
		if p.Check(password, Owner{Email: email, Organization: organization, MFA: mfa}) == nil {
			require.LessOrEqual(t, len(password), maxBytes)
			require.GreaterOrEqual(t, utf8.RuneCountInString(password), floorLength)
			require.True(t, utf8.ValidString(password))
			_, listed := slices.BinarySearch(p.common, strings.ToLower(password))
			require.False(t, listed)
		}
		unit := repeated(password)
		if unit != "" {
			require.Equal(t, password, strings.Repeat(unit, len(password)/len(unit)))
		}
	})
}

func FuzzRead(f *testing.F) {
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b+dWRWJTmaaJObGAAAAAAAAAAA")
	f.Add("$2y$07$BCryptRequires22Chrcte/VlQH0piJtjXl.0t1XkA8pw9dMXTTOq")
	f.Add("$2a$31$")
	f.Add("")
	f.Fuzz(func(t *testing.T, hash string) {
		found, err := read(hash)
		if err != nil {
			require.Zero(t, found)
			return
		}
		require.Equal(t, hash, found.text)
		if found.argon2 == nil {
			require.LessOrEqual(t, found.cost, maxBcryptCost)
			return
		}
		require.LessOrEqual(t, found.argon2.Memory, uint32(maxMemory))
		require.LessOrEqual(t, found.argon2.Iterations, uint32(maxIterations))
		require.NotZero(t, found.argon2.Parallelism)
	})
}
