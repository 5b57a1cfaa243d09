package totp

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestASVS6_5_2_RecoveryCodesHaveOver112Bits(t *testing.T) {
	t.Parallel()
	require.GreaterOrEqual(t, 8*recoveryBytes, 112, "fewer bits would need the password hash")
	require.InDelta(t, 8*recoveryBytes, recoveryText*math.Log2(float64(len(alphabet))), 0.001)
	seen := make(map[string]bool)
	for range 100 {
		codes := NewRecoveryCodes()
		require.Len(t, codes, 10)
		for _, code := range codes {
			require.Regexp(t, `^([0-9A-HJKMNP-TV-Z]{6}-){3}[0-9A-HJKMNP-TV-Z]{6}$`, code.Reveal())
			require.False(t, seen[code.Reveal()])
			seen[code.Reveal()] = true
			hash := code.Hash()
			require.NotContains(t, string(hash[:]), string(code.random[:4]), "stored is the hash")
		}
	}
}

func TestParseRecoveryCode_AsTyped(t *testing.T) {
	t.Parallel()
	code, err := ParseRecoveryCode("0123O1-I2L3AB-CDEFGH-JKMNPQ")
	require.NoError(t, err)
	for _, typed := range []string{
		code.Reveal(), "012301-121" + "3AB-CDEFGH-JKMNPQ", "0123o1i2l3abcdefghjkmnpq",
		" 0123 01 12 13 AB CDEF GHJK MNPQ ", "0-1-2-3-0-1-1-2-1-3-A-B-C-D-E-F-G-H-J-K-M-N-P-Q",
	} {
		read, err := ParseRecoveryCode(typed)
		require.NoError(t, err, typed)
		require.Equal(t, code.Hash(), read.Hash(), typed)
	}
	other, err := ParseRecoveryCode("0123O1-I2L3AB-CDEFGH-JKMNPR")
	require.NoError(t, err)
	require.NotEqual(t, code.Hash(), other.Hash())
}

func TestParseRecoveryCode_Refuses(t *testing.T) {
	t.Parallel()
	text := NewRecoveryCodes()[0].Reveal()
	for _, wrong := range []string{
		"", "-", text[1:], text + "0", "U" + text[1:], text[:26] + "\n", text[:26] + "\x00", text[:25] + "é",
		strings.Repeat("-", 1<<20), strings.Repeat("A", 1<<20), "======" + text[6:],
	} {
		_, err := ParseRecoveryCode(wrong)
		require.ErrorIs(t, err, errRecovery, "%.30q", wrong)
	}
}

func FuzzParseRecoveryCode(f *testing.F) {
	f.Add(NewRecoveryCodes()[0].Reveal())
	f.Add("0123o1i2l3abcdefghjkmnpq")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		code, err := ParseRecoveryCode(text)
		if err != nil {
			return
		}
		again, err := ParseRecoveryCode(code.Reveal())
		require.NoError(t, err)
		require.Equal(t, code, again)
	})
}
