package password

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

func hasher(t testing.TB, change func(*Settings)) *Hasher {
	t.Helper()
	settings := DefaultSettings()
	settings.GuessRest = 0              // tests that are about other things guess often
	settings.QueueTimeout = time.Minute // the machine may be busy
	if change != nil {
		change(&settings)
	}
	h, err := NewHasher(settings)
	require.NoError(t, err)
	return h
}

func verify(t testing.TB, h *Hasher, password, hash string) Verdict {
	t.Helper()
	verdict, err := h.Verify(context.Background(), password, hash)
	require.NoError(t, err)
	return verdict
}

func bcryptHash(t testing.TB, password string, cost int) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	require.NoError(t, err)
	return string(hash)
}

func TestASVS11_4_2_HashIsArgon2idAtTheFloor(t *testing.T) {
	t.Parallel()
	h := hasher(t, nil)
	hash, err := h.Hash(t.Context(), "correct horse battery")
	require.NoError(t, err)
	require.Regexp(t, `^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$`, hash)
	again, err := h.Hash(t.Context(), "correct horse battery")
	require.NoError(t, err)
	require.NotEqual(t, hash, again, "each hash has its own salt")
	require.Equal(t, Verdict{Right: true}, verify(t, h, "correct horse battery", hash))
	require.Equal(t, Verdict{}, verify(t, h, "correct horse batterz", hash))
	require.Equal(t, Verdict{}, verify(t, h, "", hash))
	require.Equal(t, Verdict{}, verify(t, h, "", ""), "a user without a password")
}

func TestASVS11_4_2_SettingsBelowTheFloorAreRefused(t *testing.T) {
	t.Parallel()
	for key, change := range map[string]func(*Settings){
		"algorithm":              func(s *Settings) { s.Algorithm = "sha256" },
		"argon2id.memory_kib":    func(s *Settings) { s.Argon2id.Memory = 19*1024 - 1 },
		"argon2id.iterations":    func(s *Settings) { s.Argon2id.Iterations = 1 },
		"argon2id.parallelism":   func(s *Settings) { s.Argon2id.Parallelism = 0 },
		"concurrency":            func(s *Settings) { s.Concurrency = -1 },
		"guess_rest":             func(s *Settings) { s.GuessRest = -1 },
		"queue_length":           func(s *Settings) { s.QueueLength = 0 },
		"queue_timeout":          func(s *Settings) { s.QueueTimeout = 0 },
		"refusal_time":           func(s *Settings) { s.RefusalTime = -time.Second },
		"min_length":             func(s *Settings) { s.MinLength = 7 },
		"min_length_without_mfa": func(s *Settings) { s.MinLengthWithoutMFA = 7 },
	} {
		settings := DefaultSettings()
		require.NoError(t, settings.Validate())
		change(&settings)
		require.True(t, strings.HasPrefix(settings.Validate().Error(), key), "%s: %v", key, settings.Validate())
		_, err := NewHasher(settings)
		require.Error(t, err, key)
		_, err = NewPolicy(settings)
		require.Error(t, err, key)
	}
	over := DefaultSettings()
	over.Argon2id.Memory = 1 << 30
	require.ErrorContains(t, over.Validate(), "argon2id.memory_kib")
}

func TestASVS6_2_8_ExactBytesAreVerified(t *testing.T) {
	t.Parallel()
	h := hasher(t, nil)
	long := strings.Repeat("x", 72)
	for name, pair := range map[string][2]string{
		"after byte 72":  {long + "right", long + "wrong"},
		"72 and more":    {long, long + "more"},
		"after a NUL":    {"password\x00right", "password\x00wrong"},
		"a NUL":          {"password", "password\x00"},
		"NUL cycle":      {"password", "password\x00password"},
		"NFC and NFD":    {"pass\u00e9word", "passe\u0301word"},
		"case":           {"Password", "password"},
		"space at ends":  {"password", " password"},
		"trailing space": {"password", "password "},
		"line end":       {"password", "password\n"},
		"full width":     {"password1", "password１"},
		"last of 512":    {strings.Repeat("é", 255) + "ab", strings.Repeat("é", 255) + "ac"},
	} {
		hash, err := h.Hash(t.Context(), pair[0])
		require.NoError(t, err, name)
		require.True(t, verify(t, h, pair[0], hash).Right, name)
		require.False(t, verify(t, h, pair[1], hash).Right, name)
	}
	// What is too long to have been chosen is refused, not cut off.
	_, err := h.Hash(t.Context(), strings.Repeat("x", 513))
	require.Equal(t, queryserver.Invalid, queryserver.CodeOf(err))
	cut, err := h.Hash(t.Context(), strings.Repeat("x", 512))
	require.NoError(t, err)
	require.False(t, verify(t, h, strings.Repeat("x", 513), cut).Right)
	require.False(t, verify(t, h, strings.Repeat("x", 1<<20), cut).Right)
}

// Okta, October 2024: bcrypt ignored what followed its 72nd byte.
func TestASVS6_2_8_BcryptOfImportedUsers(t *testing.T) {
	t.Parallel()
	h := hasher(t, nil)
	for name, test := range map[string]struct{ hash, right, wrong string }{
		"crypt_blowfish $2a$": {"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U", "U*V"},
		"OpenBSD $2b$":        {"$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U", "u*u"},
		"PHP $2y$":            {"$2y$10$.vGA1O9wmRjrwAVXD98HNOgsNpDczlqm3Jq7KnEd1rVAGv3Fykk1a", "rasmuslerdorf", "rasmuslerdor"},
		"ten rounds":          {bcryptHash(t, "correct horse", 10), "correct horse", "correct horsf"},
		"72 bytes":            {bcryptHash(t, strings.Repeat("x", 72), 4), strings.Repeat("x", 72), strings.Repeat("x", 73)},
		"a suffix":            {bcryptHash(t, strings.Repeat("x", 72), 4), strings.Repeat("x", 72), strings.Repeat("x", 72) + "anything"},
		"NUL cycle":           {bcryptHash(t, "pass", 4), "pass", "pass\x00pass"},
		"empty":               {bcryptHash(t, "", 4), "", "x"},
	} {
		verdict := verify(t, h, test.right, test.hash)
		require.Equal(t, Verdict{Right: name != "empty", NeedsRehash: name != "empty"}, verdict, name)
		require.Equal(t, Verdict{}, verify(t, h, test.wrong, test.hash), name)
	}
	// The library itself would have let these in.
	require.NoError(t, bcrypt.CompareHashAndPassword([]byte(bcryptHash(t, strings.Repeat("x", 72), 4)), []byte(strings.Repeat("x", 80))))
	require.NoError(t, bcrypt.CompareHashAndPassword([]byte(bcryptHash(t, "pass", 4)), []byte("pass\x00pass")))
}

func TestVerify_NeedsRehash(t *testing.T) {
	t.Parallel()
	hash := func(params argon2id.Params) string {
		text, err := argon2id.CreateHash("password", &params)
		require.NoError(t, err)
		return text
	}
	floor := *DefaultSettings().params()
	changed := func(change func(*argon2id.Params)) string {
		params := floor
		change(&params)
		return hash(params)
	}
	ours, theirs := hasher(t, nil), hasher(t, func(s *Settings) { s.Algorithm = Bcrypt })
	for name, test := range map[string]struct {
		hash         string
		argon2id, bc bool // whether it needs a rehash under either setting
	}{
		"current":         {hash(floor), false, true},
		"less memory":     {changed(func(p *argon2id.Params) { p.Memory = 4096 }), true, true},
		"more memory":     {changed(func(p *argon2id.Params) { p.Memory = 20 * 1024 }), true, true},
		"other passes":    {changed(func(p *argon2id.Params) { p.Iterations = 1 }), true, true},
		"other lanes":     {changed(func(p *argon2id.Params) { p.Parallelism = 2 }), true, true},
		"short salt":      {changed(func(p *argon2id.Params) { p.SaltLength = 8 }), true, true},
		"short key":       {changed(func(p *argon2id.Params) { p.KeyLength = 16 }), true, true},
		"bcrypt":          {bcryptHash(t, "password", 10), true, false},
		"cheap bcrypt":    {bcryptHash(t, "password", 4), true, true},
		"dearer bcrypt":   {bcryptHash(t, "password", 11), true, false},
		"bcrypt from PHP": {strings.Replace(bcryptHash(t, "password", 10), "$2a$", "$2y$", 1), true, false},
	} {
		require.Equal(t, Verdict{Right: true, NeedsRehash: test.argon2id}, verify(t, ours, "password", test.hash), name)
		require.Equal(t, Verdict{Right: true, NeedsRehash: test.bc}, verify(t, theirs, "password", test.hash), name)
		require.Equal(t, Verdict{}, verify(t, ours, "Password", test.hash), name)
	}
}

func TestHash_BcryptBySetting(t *testing.T) {
	t.Parallel()
	h := hasher(t, func(s *Settings) { s.Algorithm = Bcrypt })
	hash, err := h.Hash(t.Context(), strings.Repeat("x", 72))
	require.NoError(t, err)
	require.Regexp(t, `^\$2a\$10\$`, hash)
	require.Equal(t, Verdict{Right: true}, verify(t, h, strings.Repeat("x", 72), hash))
	require.Equal(t, Verdict{}, verify(t, h, strings.Repeat("x", 73), hash))
	for _, wrong := range []string{"", strings.Repeat("x", 73), "pass\x00word"} {
		_, err := h.Hash(t.Context(), wrong)
		require.Equal(t, queryserver.Invalid, queryserver.CodeOf(err), "%q", wrong)
	}
	require.NoError(t, h.Burn(t.Context()))
}

func TestVerify_HashesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	h := hasher(t, nil)
	good, err := h.Hash(t.Context(), "password")
	require.NoError(t, err)
	salted, key := good[:strings.LastIndex(good, "$")+1], good[strings.LastIndex(good, "$")+1:]
	bc := bcryptHash(t, "password", 4)
	for name, hash := range map[string]string{
		"clear text":        "password",
		"argon2i":           strings.Replace(good, "argon2id", "argon2i", 1),
		"other version":     strings.Replace(good, "v=19", "v=16", 1),
		"no key":            salted,
		"short key":         salted + key[:20],
		"junk in numbers":   strings.Replace(good, "p=1", "p=1x", 1),
		"leading zero":      strings.Replace(good, "t=2", "t=02", 1),
		"no passes":         strings.Replace(good, "t=2", "t=0", 1),
		"no lanes":          strings.Replace(good, "p=1", "p=0", 1),
		"a week of passes":  strings.Replace(good, "t=2", "t=4000000000", 1),
		"all memory":        strings.Replace(good, "m=19456", "m=4000000000", 1),
		"long":              good + strings.Repeat("A", 1<<20),
		"line end":          good + "\n",
		"bcrypt $2x$":       strings.Replace(bc, "$2a$", "$2x$", 1),
		"bcrypt $2$":        strings.Replace(bc, "$2a$", "$2$", 1),
		"bcrypt and more":   bc + "x",
		"bcrypt, cut":       bc[:59],
		"bcrypt of a month": strings.Replace(bc, "$04$", "$31$", 1),
		"bcrypt, no cost":   strings.Replace(bc, "$04$", "$00$", 1),
		"NUL":               "\x00",
	} {
		verdict, err := h.Verify(t.Context(), "password", hash)
		require.Error(t, err, name)
		require.Equal(t, queryserver.Internal, queryserver.CodeOf(err), name)
		require.Zero(t, verdict, name)
		require.NotContains(t, err.Error(), key[:20], name)
	}
}

func TestASVS16_5_3_EndOfContextIsNeverRight(t *testing.T) {
	t.Parallel()
	h := hasher(t, func(s *Settings) { s.Concurrency = 1 })
	hash, err := h.Hash(t.Context(), "password")
	require.NoError(t, err)
	require.NoError(t, h.strangers.enter(t.Context()))
	ended, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("the client has gone")
	cancel(gone)
	verdict, err := h.Verify(ended, "password", hash)
	require.Equal(t, queryserver.Unavailable, queryserver.CodeOf(err))
	require.ErrorIs(t, err, gone)
	require.Zero(t, verdict)
	h.strangers.leave(false, 0)
	require.True(t, verify(t, h, "password", hash).Right)
	require.Equal(t, Stats{Refused: 1}, h.Stats())
}

func TestAwaitRefusal_TakesTheSameForAll(t *testing.T) {
	t.Parallel()
	h := hasher(t, func(s *Settings) { s.RefusalTime = 400 * time.Millisecond })
	began := time.Now()
	h.AwaitRefusal(t.Context(), began)
	require.GreaterOrEqual(t, time.Since(began), 400*time.Millisecond)
	h.AwaitRefusal(t.Context(), began) // it is past
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	h.AwaitRefusal(ended, time.Now().Add(time.Hour))
}

func TestHasher_Parallel(t *testing.T) {
	t.Parallel()
	h := hasher(t, nil)
	var calls sync.WaitGroup
	for i := range 6 {
		calls.Go(func() {
			password := strings.Repeat("x", 20+i)
			hash, err := h.Hash(context.Background(), password)
			right, err2 := h.Verify(context.Background(), password, hash)
			wrong, err3 := h.Verify(context.Background(), password+"x", hash)
			if errors.Join(err, err2, err3) != nil || !right.Right || wrong.Right {
				t.Error(err, err2, err3, right, wrong)
			}
		})
	}
	calls.Wait()
	require.Zero(t, h.Stats())
}
