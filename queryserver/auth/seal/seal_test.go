package seal

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"
)

var row = Row{Table: "users", Column: "totp_seed", ID: "0190f3a1-7c1e-7d2b-9b54-2f6d3c1a8e70"}

func newKey(id string) KeySettings {
	random := make([]byte, keyBytes)
	_, _ = rand.Read(random)
	return KeySettings{ID: id, Key: configopaque.String(base64.StdEncoding.EncodeToString(random))}
}

func sealer(t testing.TB, keys ...KeySettings) *Sealer {
	t.Helper()
	s, err := New(Settings{Keys: keys})
	require.NoError(t, err)
	return s
}

func TestASVS11_3_2_SecretsAreSealedByAESGCM(t *testing.T) {
	t.Parallel()
	s := sealer(t, newKey("2026-01"))
	for _, secret := range []string{"", "x", "a seed of twenty byte", strings.Repeat("long ", 1<<12)} {
		text := s.Seal([]byte(secret), row)
		require.Regexp(t, `^tfsealed1:2026-01:[A-Za-z0-9_-]+$`, text)
		if len(secret) > 8 {
			require.NotContains(t, text, secret)
			require.NotContains(t, text, base64.RawURLEncoding.EncodeToString([]byte(secret)))
		}
		require.NotEqual(t, text, s.Seal([]byte(secret), row), "each sealing has its own nonce")
		opened, err := s.Open(text, row)
		require.NoError(t, err)
		require.Equal(t, secret, string(opened))
	}
}

func TestASVS11_3_2_NoBitCanBeChanged(t *testing.T) {
	t.Parallel()
	s := sealer(t, newKey("a"))
	text := s.Seal([]byte("secret"), row)
	id, sealed, err := split(text)
	require.NoError(t, err)
	for i := range sealed {
		for bit := range 8 {
			changed := append([]byte(nil), sealed...)
			changed[i] ^= 1 << bit
			_, err := s.Open(version+":"+id+":"+base64.RawURLEncoding.EncodeToString(changed), row)
			require.Error(t, err)
		}
	}
	for end := range text {
		_, err := s.Open(text[:end], row)
		require.Error(t, err, "cut at %d", end)
	}
	for _, wrong := range []string{text + "A", text + "\n", text[:30] + "\n" + text[30:], " " + text, text + "=", "tfsealed2" + text[len(version):]} {
		_, err := s.Open(wrong, row)
		require.Error(t, err, "%q", wrong)
	}
}

func TestSeal_BoundToItsRow(t *testing.T) {
	t.Parallel()
	s := sealer(t, newKey("a"))
	text := s.Seal([]byte("JBSWY3DPEHPK3PXP"), row)
	for _, other := range []Row{
		{Table: "sso_providers", Column: row.Column, ID: row.ID},
		{Table: row.Table, Column: "other", ID: row.ID},
		{Table: row.Table, Column: row.Column, ID: "0190f3a1-7c1e-7d2b-9b54-2f6d3c1a8e71"},
		{Table: row.Table + row.Column, ID: row.ID},
		{Table: "user", Column: "s" + row.Column, ID: row.ID},
		{},
	} {
		_, err := s.Open(text, other)
		require.Error(t, err, "%v", other)
		require.NotContains(t, err.Error(), "JBSWY3DP")
	}
}

func TestASVS13_3_4_MasterKeysRotate(t *testing.T) {
	t.Parallel()
	first, second := newKey("first"), newKey("second")
	before := sealer(t, first)
	text := before.Seal([]byte("secret"), row)
	require.False(t, before.NeedsReseal(text))

	during := sealer(t, second, first)
	require.True(t, during.NeedsReseal(text))
	opened, err := during.Open(text, row)
	require.NoError(t, err)
	resealed := during.Seal(opened, row)
	require.False(t, during.NeedsReseal(resealed))
	require.False(t, during.NeedsReseal("not a sealed text"))

	after := sealer(t, second)
	opened, err = after.Open(resealed, row)
	require.NoError(t, err)
	require.Equal(t, "secret", string(opened))
	_, err = after.Open(text, row)
	require.ErrorContains(t, err, `"first"`, "the operator must know which key is missing")

	// An id given to another key opens nothing.
	reused := newKey("first")
	_, err = sealer(t, reused).Open(text, row)
	require.Error(t, err)
	// Nor does a text whose id was rewritten.
	both := sealer(t, second, first)
	_, err = both.Open(strings.Replace(text, ":first:", ":second:", 1), row)
	require.Error(t, err)
}

// SigNoz/signoz#8400: an empty secret was accepted and signed sessions.
func TestIncident12_WeakMasterKeysRefuseToStart(t *testing.T) {
	t.Parallel()
	good := newKey("good")
	encode := func(key []byte) configopaque.String {
		return configopaque.String(base64.StdEncoding.EncodeToString(key))
	}
	few := make([]byte, keyBytes)
	for i := range few {
		few[i] = byte(i % 11)
	}
	for name, test := range map[string]struct {
		keys []KeySettings
		says string
	}{
		"none":              {nil, "keys: "},
		"empty":             {[]KeySettings{{ID: "a"}}, "keys[0]: give either key or file"},
		"both":              {[]KeySettings{{ID: "a", Key: good.Key, File: "x"}}, "keys[0]: give either"},
		"no id":             {[]KeySettings{{Key: good.Key}}, "keys[0]: id"},
		"id with a colon":   {[]KeySettings{{ID: "a:b", Key: good.Key}}, "keys[0]: id"},
		"long id":           {[]KeySettings{{ID: strings.Repeat("a", 33), Key: good.Key}}, "keys[0]: id"},
		"not base64":        {[]KeySettings{{ID: "a", Key: "correct horse battery staple"}}, "keys[0]: key"},
		"short":             {[]KeySettings{{ID: "a", Key: encode(make([]byte, 16))}}, "keys[0]: key"},
		"long":              {[]KeySettings{{ID: "a", Key: encode(make([]byte, 64))}}, "keys[0]: key"},
		"zeros":             {[]KeySettings{{ID: "a", Key: encode(make([]byte, 32))}}, "not random"},
		"one letter":        {[]KeySettings{{ID: "a", Key: encode([]byte(strings.Repeat("k", 32)))}}, "not random"},
		"few bytes":         {[]KeySettings{{ID: "a", Key: encode(few)}}, "not random"},
		"same id":           {[]KeySettings{good, newKey("good")}, "keys[1]: id"},
		"same key":          {[]KeySettings{good, {ID: "other", Key: good.Key}}, "keys[1]: the key is the same"},
		"weak second":       {[]KeySettings{good, {ID: "b", Key: encode(make([]byte, 32))}}, "keys[1]: key"},
		"file is not there": {[]KeySettings{{ID: "a", File: filepath.Join(t.TempDir(), "none")}}, "keys[0]: file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings := Settings{Keys: test.keys}
			require.ErrorContains(t, settings.Validate(), test.says)
			s, err := New(settings)
			require.Error(t, err)
			require.Nil(t, s)
			for _, key := range test.keys {
				if key.Key != "" {
					require.NotContains(t, err.Error(), string(key.Key))
				}
			}
		})
	}
}

func TestASVS13_3_1_KeyFromAFile(t *testing.T) {
	t.Parallel()
	key := newKey("file")
	path := filepath.Join(t.TempDir(), "master.key")
	require.NoError(t, os.WriteFile(path, []byte(string(key.Key)+"\n"), 0o600))
	fromFile := sealer(t, KeySettings{ID: "file", File: path})
	opened, err := fromFile.Open(sealer(t, key).Seal([]byte("secret"), row), row)
	require.NoError(t, err)
	require.Equal(t, "secret", string(opened))

	require.NoError(t, os.WriteFile(path, nil, 0o600))
	_, err = New(Settings{Keys: []KeySettings{{ID: "file", File: path}}})
	require.ErrorContains(t, err, "keys[0]: file")
}

func TestASVS13_3_1_SettingsDoNotPrintKeys(t *testing.T) {
	t.Parallel()
	settings := Settings{Keys: []KeySettings{newKey("a")}}
	secret := string(settings.Keys[0].Key)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		require.NotContains(t, fmt.Sprintf(verb, settings), secret)
	}
}

func TestSealer_Parallel(t *testing.T) {
	t.Parallel()
	s := sealer(t, newKey("a"))
	var calls sync.WaitGroup
	for i := range 8 {
		calls.Go(func() {
			for range 200 {
				secret := fmt.Sprint("secret ", i)
				opened, err := s.Open(s.Seal([]byte(secret), row), row)
				if err != nil || string(opened) != secret {
					t.Error(err, string(opened))
				}
			}
		})
	}
	calls.Wait()
}

func FuzzOpen(f *testing.F) {
	s := sealer(f, newKey("a"))
	made := s.Seal([]byte("secret"), row)
	f.Add(made)
	f.Add("tfsealed1:a:")
	f.Add("tfsealed1::AAAA")
	f.Add("::::")
	f.Fuzz(func(t *testing.T, text string) {
		_, err := s.Open(text, row)
		require.Equal(t, text == made, err == nil, "only what was sealed opens")
		s.NeedsReseal(text)
	})
}
