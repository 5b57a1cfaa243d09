package totp

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"image/png"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/hotp"
	"github.com/stretchr/testify/require"
)

func codeAt(t testing.TB, secret Secret, step int64) string {
	t.Helper()
	code, err := hotp.GenerateCode(secret.Text(), uint64(step))
	require.NoError(t, err)
	return code
}

// RFC 6238, appendix B, SHA-1: the last six of the eight digits there.
func TestMatch_RFC6238Vectors(t *testing.T) {
	t.Parallel()
	secret, err := FromBytes([]byte("12345678901234567890"))
	require.NoError(t, err)
	for seconds, code := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471",
		1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		step, ok := secret.Match(code, time.Unix(seconds, 0), 0)
		require.True(t, ok, "at %d", seconds)
		require.Equal(t, seconds/30, step)
	}
}

func TestASVS6_5_5_CodesLiveForOneStepToEitherSide(t *testing.T) {
	t.Parallel()
	secret := New()
	const step = int64(59_000_000)
	code := codeAt(t, secret, step)
	for offset := int64(-120); offset <= 150; offset++ {
		at := time.Unix(step*30+offset, 0)
		matched, ok := secret.Match(code, at, 0)
		if offset >= -30 && offset < 60 {
			require.True(t, ok, "%d s after the step began", offset)
			require.Equal(t, step, matched)
		} else if ok {
			// Another step may have the same digits by chance, never this one.
			require.NotEqual(t, step, matched, "%d s after the step began", offset)
		}
	}
}

func TestASVS6_5_1_StepIsAcceptedOnce(t *testing.T) {
	t.Parallel()
	secret := New()
	now := time.Unix(59_000_000*30, 0)
	present := now.Unix() / 30
	code := codeAt(t, secret, present)
	step, ok := secret.Match(code, now, 0)
	require.True(t, ok)
	require.Equal(t, present, step)
	if codeAt(t, secret, present+1) != code {
		_, ok = secret.Match(code, now, step)
		require.False(t, ok, "the same code again")
		_, ok = secret.Match(code, now.Add(29*time.Second), step)
		require.False(t, ok, "again, later in its life")
	}
	if before := codeAt(t, secret, present-1); before != code {
		_, ok = secret.Match(before, now, step)
		require.False(t, ok, "an earlier code after a later one")
	}
	next, ok := secret.Match(codeAt(t, secret, present+1), now, step)
	require.True(t, ok)
	require.Equal(t, present+1, next)
}

func TestMatch_EarliestOfEqualCodes(t *testing.T) {
	t.Parallel()
	secret, err := FromBytes([]byte("12345678901234567890"))
	require.NoError(t, err)
	const step, code = 910737, "911617" // its neighbour after it has the same digits
	require.Equal(t, code, codeAt(t, secret, step))
	require.Equal(t, code, codeAt(t, secret, step+1))
	now := time.Unix(step*30, 0)
	matched, ok := secret.Match(code, now, step-1)
	require.True(t, ok)
	require.EqualValues(t, step, matched)
	matched, ok = secret.Match(code, now, step)
	require.True(t, ok)
	require.EqualValues(t, step+1, matched)
	_, ok = secret.Match(code, now, step+1)
	require.False(t, ok)
}

func TestMatch_Forms(t *testing.T) {
	t.Parallel()
	secret := New()
	now := time.Unix(59_000_000*30, 0)
	code := codeAt(t, secret, now.Unix()/30)
	_, ok := secret.Match(code[:3]+" "+code[3:]+" ", now, 0)
	require.True(t, ok, "as apps show it")
	for _, wrong := range []string{
		"", code[:5], code + "0", code[:5] + "x", "-" + code[1:], "+" + code[1:], code + "\n", code + "\x00",
		"٠١٢٣٤٥", "123", strings.Repeat(" ", 1<<20) + code, strings.Repeat("0", 1<<20),
	} {
		_, ok := secret.Match(wrong, now, 0)
		require.False(t, ok, "%.20q", wrong)
	}
	_, ok = Secret{}.Match(code, now, 0)
	require.False(t, ok, "a user without a second factor has no code")
	_, ok = secret.Match(codeAt(t, secret, -1), time.Unix(0, 0), -5)
	require.False(t, ok, "before 1970")
}

func TestASVS6_5_3_SecretsAreRandom(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for range 1000 {
		secret := New()
		require.Len(t, secret.Bytes(), 20)
		require.False(t, seen[secret.Text()])
		seen[secret.Text()] = true
	}
	for _, length := range []int{0, 10, 15, 65} {
		_, err := FromBytes(make([]byte, length))
		require.Error(t, err, "%d bytes", length)
	}
}

func TestSecret_URI(t *testing.T) {
	t.Parallel()
	secret := New()
	uri := secret.URI("Telemetry Flow & Co: ?", "ada+test@example.com")
	parsed, err := url.Parse(uri)
	require.NoError(t, err)
	require.Equal(t, "otpauth", parsed.Scheme)
	require.Equal(t, "totp", parsed.Host)
	require.Equal(t, "/Telemetry Flow & Co: ?:ada+test@example.com", parsed.Path)
	require.NotContains(t, parsed.RawQuery, "+")
	require.Equal(t, url.Values{
		"secret": {secret.Text()}, "issuer": {"Telemetry Flow & Co: ?"}, "algorithm": {"SHA1"}, "digits": {"6"}, "period": {"30"},
	}, parsed.Query())
	again, err := FromBytes(secret.Bytes())
	require.NoError(t, err)
	require.Equal(t, secret, again)
}

func TestQR_Draws(t *testing.T) {
	t.Parallel()
	uri := New().URI("TelemetryFlow", "ada@example.com")
	drawn, err := QR(uri, 256)
	require.NoError(t, err)
	picture, err := png.Decode(bytes.NewReader(drawn))
	require.NoError(t, err)
	require.Equal(t, 256, picture.Bounds().Dx())
	require.Equal(t, 256, picture.Bounds().Dy())
	colors := make(map[uint32]int)
	for x := range 256 {
		for y := range 256 {
			red, _, _, _ := picture.At(x, y).RGBA()
			colors[red]++
		}
	}
	require.Len(t, colors, 2, "black and white")
	require.Greater(t, colors[0], 256*256/5)
	other, err := QR(New().URI("TelemetryFlow", "ada@example.com"), 256)
	require.NoError(t, err)
	require.NotEqual(t, drawn, other)
	_, err = QR("%zz", 256)
	require.Error(t, err)
	_, err = QR(uri, 10)
	require.Error(t, err, "too small for its modules")
}

func TestASVS16_2_5_SecretsAreNotPrinted(t *testing.T) {
	t.Parallel()
	secret, code := New(), NewRecoveryCodes()[0]
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("made", "secret", secret, "code", code)
	texts := []string{log.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		texts = append(texts, fmt.Sprintf(verb, secret), fmt.Sprintf(verb, code), fmt.Sprintf(verb, struct {
			S Secret
			C RecoveryCode
		}{secret, code}))
	}
	for _, text := range texts {
		require.NotContains(t, text, secret.Text())
		require.NotContains(t, text, hex.EncodeToString(secret.Bytes()))
		require.NotContains(t, text, code.Reveal())
		require.NotContains(t, text, hex.EncodeToString(code.random[:]))
		require.True(t, strings.Contains(text, redacted) || strings.Contains(text, "[recovery code]"), text)
	}
}

func FuzzMatch(f *testing.F) {
	secret, err := FromBytes([]byte("12345678901234567890"))
	require.NoError(f, err)
	f.Add("287082", int64(59), int64(0))
	f.Add("287 082", int64(59), int64(1))
	f.Add("", int64(-1), int64(-9))
	f.Fuzz(func(t *testing.T, code string, seconds, last int64) {
		step, ok := secret.Match(code, time.Unix(seconds, 0), last)
		if ok {
			require.Greater(t, step, last)
			require.InDelta(t, seconds/30, step, 1)
			require.Equal(t, codeAt(t, secret, step), strings.ReplaceAll(code, " ", ""))
		}
	})
}
