package jaeger

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// Grafana sends tags as an object of JSON, people write logfmt, Jaeger UI sends either.
func TestParameters_Tags(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]map[string]string{
		`{"http.status_code":"200","error":true,"n":9007199254740993}`: {"http.status_code": "200", "error": "true", "n": "9007199254740993"},
		`{}`: {}, ``: {}, "  ": {},
		`http.status_code=200 error`:             {"http.status_code": "200", "error": "true"},
		`msg="a \"quoted\" text" empty= url=a=b`: {"msg": `a "quoted" text`, "empty": "", "url": "a=b"},
		"a=1\tb=2\n":                             {"a": "1", "b": "2"},
	} {
		got, err := parameters{query: url.Values{"tags": {text}}}.tags()
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	got, err := parameters{query: url.Values{"tag": {"a:b:c", "d:"}, "tags": {`{"a":"x"}`, "e=1"}}}.tags()
	require.NoError(t, err)
	require.Equal(t, map[string]string{"a": "x", "d": "", "e": "1"}, got)
	for _, text := range []string{`{`, `{"a":[1]}`, `{"a":{}}`, `{"a":null}`, `{"a":1} x`, `=1`, `a="b`, `a="\q"`} {
		_, err := parameters{query: url.Values{"tags": {text}}}.tags()
		require.Equal(t, queryserver.Invalid, queryserver.CodeOf(err), text)
	}
	_, err = parameters{query: url.Values{"tag": {"nothing"}}}.tags()
	require.Equal(t, queryserver.Invalid, queryserver.CodeOf(err))
}

func TestTagged(t *testing.T) {
	t.Parallel()
	for tag, want := range map[[2]string]string{
		{"error", "true"}: "status = ERROR", {"span.kind", "client"}: "kind = client", {"span.kind", "x' OR 1"}: "kind = -1",
		{"otel.status_code", "OK"}: "status = OK", {"otel.scope.name", "lib"}: "scope.name = lib", {"http.route", "/"}: "http.route = /",
	} {
		m := tagged(tag[0], tag[1]).Match
		require.Equal(t, want, m.Field+" "+string(m.Is)+" "+m.Any[0].Text)
	}
	require.Equal(t, queryserver.SearchNot, tagged("error", "false").Op)
	either := tagged("name", "x") // an attribute, not the field
	require.Equal(t, "attributes.name", either.Of[0].Match.Field)
	require.Equal(t, "resource.name", either.Of[1].Match.Field)
}
