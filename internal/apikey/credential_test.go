package apikey

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

func TestCredential_New(t *testing.T) {
	t.Parallel()
	credential := NewCredential()
	require.Regexp(t, `^tfk_[0-9a-f]{32}$`, credential.ID.String())
	require.Regexp(t, `^tfs_[0-9a-f]{64}$`, credential.Secret)
	require.NotEqual(t, credential, NewCredential())
	parsed, err := ParseID(credential.ID.String())
	require.NoError(t, err)
	require.Equal(t, credential.ID, parsed)
}

func TestHeaders_Credential(t *testing.T) {
	t.Parallel()
	a, b := NewCredential(), NewCredential()
	id, secret := a.ID.String(), a.Secret
	basic := base64.StdEncoding.EncodeToString([]byte(id + ":" + secret))
	type headers = map[string][]string
	for name, sources := range map[string]headers{
		"http":          {"X-Api-Key-Id": {id}, "X-Api-Key-Secret": {secret}},
		"grpc":          {"x-api-key-id": {id}, "x-api-key-secret": {secret}},
		"vendor":        {"X-Telemetryflow-Key-Id": {id}, "x-telemetryflow-key-secret": {secret}},
		"bearer colon":  {"Authorization": {"Bearer " + id + ":" + secret}},
		"bearer dot":    {"authorization": {"bearer  " + id + "." + secret}},
		"basic":         {"AUTHORIZATION": {"Basic " + basic}},
		"repeated":      {"x-api-key-id": {id, id}, "x-api-key-secret": {secret}},
		"spaces":        {"x-api-key-id": {" " + id}, "x-api-key-secret": {secret + " "}},
		"pair first":    {"x-api-key-id": {id}, "x-api-key-secret": {secret}, "x-telemetryflow-key-id": {b.ID.String()}, "x-telemetryflow-key-secret": {b.Secret}, "authorization": {"Bearer " + b.ID.String() + ":" + b.Secret}},
		"vendor second": {"x-api-key-id": {b.ID.String()}, "x-telemetryflow-key-id": {id}, "x-telemetryflow-key-secret": {secret}, "authorization": {"Bearer " + b.ID.String() + ":" + b.Secret}},
		"half a pair":   {"x-api-key-id": {b.ID.String()}, "authorization": {"Bearer " + id + ":" + secret}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			read := ReadHeaders(sources)
			credential, err := read.Credential()
			require.NoError(t, err)
			require.Equal(t, a, credential)
		})
	}
	for name, sources := range map[string]headers{
		"none":            nil,
		"id only":         {"x-api-key-id": {id}},
		"upper-case id":   {"x-api-key-id": {strings.ToUpper(id)}, "x-api-key-secret": {secret}},
		"swapped":         {"x-api-key-id": {secret}, "x-api-key-secret": {id}},
		"short secret":    {"x-api-key-id": {id}, "x-api-key-secret": {secret[:67]}},
		"NUL":             {"x-api-key-id": {id}, "x-api-key-secret": {secret[:67] + "\x00"}},
		"two ids":         {"x-api-key-id": {id, b.ID.String()}, "x-api-key-secret": {secret}},
		"two cases":       {"x-api-key-id": {id}, "X-Api-Key-Id": {b.ID.String()}, "x-api-key-secret": {secret}},
		"no fall through": {"x-api-key-id": {"tfk_"}, "x-api-key-secret": {secret}, "authorization": {"Bearer " + id + ":" + secret}},
		"other scheme":    {"authorization": {"Digest " + id + ":" + secret}},
		"scheme only":     {"authorization": {"Bearer"}},
		"basic garbage":   {"authorization": {"Basic !!!"}},
		"basic dot":       {"authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(id+"."+secret))}},
		"long":            {"authorization": {"Bearer " + strings.Repeat(" ", 1<<20) + id + ":" + secret}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			read := ReadHeaders(sources)
			_, err := read.Credential()
			require.Equal(t, ErrUnauthenticated, err)
		})
	}
}

func TestHeaders_Choice(t *testing.T) {
	t.Parallel()
	one, two := "0190f3a1-7c1e-7d2b-9b54-2f6d3c1a8e70", "0190F3A1-7C1E-7D2B-9B54-2F6D3C1A8E71"
	read := ReadHeaders(map[string][]string{"X-Workspace-Id": {one}, "x-tenant-id": {two}})
	choice, err := read.Choice()
	require.NoError(t, err)
	require.Equal(t, one, choice.Workspace.String())
	require.Equal(t, strings.ToLower(two), choice.Tenant.String())

	read = ReadHeaders(map[string][]string{"x-tenant-id": {""}})
	choice, err = read.Choice()
	require.NoError(t, err)
	require.True(t, choice.IsZero())

	for _, texts := range [][]string{{"nonsense"}, {one, two}, {tenant.ID{}.String()}, {one + "'"}} {
		read = ReadHeaders(map[string][]string{"x-tenant-id": texts})
		_, err = read.Choice()
		require.Equal(t, codes.InvalidArgument, status.Code(err))
		require.NotContains(t, err.Error(), "nonsense")
	}
}

func TestHash(t *testing.T) {
	t.Parallel()
	secret := NewSecret()
	hash, err := Hash(secret)
	require.NoError(t, err)
	require.Regexp(t, `^\$argon2id\$v=19\$m=19456,t=2,p=1\$`, hash)

	matches, err := Matches(secret, hash)
	require.NoError(t, err)
	require.True(t, matches)
	matches, err = Matches(NewSecret(), hash)
	require.NoError(t, err)
	require.False(t, matches)

	for _, bad := range []string{
		"", "plain", "$2a$10$abcdefghijklmnopqrstuv",
		"$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$",
		"$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$RdescudvJCsgt3ub+b+dWRWJTmaaJObG",
		"$argon2id$v=19$m=19456,t=0,p=1$c29tZXNhbHQ$RdescudvJCsgt3ub+b+dWRWJTmaaJObG",
		"$argon2id$v=19$m=19456,t=2,p=0$c29tZXNhbHQ$RdescudvJCsgt3ub+b+dWRWJTmaaJObG",
	} {
		matches, err = Matches(secret, bad)
		require.Error(t, err, bad)
		require.False(t, matches)
	}
}

// Whatever a header holds, the parser neither panics nor returns a credential
// that is not written in it.
func FuzzHeaders_Credential(f *testing.F) {
	seed := NewCredential()
	f.Add(seed.ID.String(), seed.Secret, "")
	f.Add("", "", "Bearer "+seed.ID.String()+":"+seed.Secret)
	f.Add("", "", "Basic "+base64.StdEncoding.EncodeToString([]byte(seed.ID.String()+":"+seed.Secret)))
	f.Fuzz(func(t *testing.T, id, secret, authorization string) {
		sources := map[string][]string{"authorization": {authorization}}
		if id != "" || secret != "" {
			sources["x-api-key-id"], sources["x-api-key-secret"] = []string{id}, []string{secret}
		}
		read := ReadHeaders(sources)
		credential, err := read.Credential()
		if err != nil {
			require.Equal(t, ErrUnauthenticated, err)
			return
		}
		require.True(t, ValidSecret(credential.Secret))
		written := id + secret + authorization
		if _, encoded, basic := strings.Cut(authorization, " "); basic && len(sources) == 1 {
			if decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded)); err == nil {
				written += string(decoded)
			}
		}
		require.Contains(t, written, credential.ID.String())
		require.Contains(t, written, credential.Secret)
	})
}
