package httpapi

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func (f *fixture) page(t *testing.T, target, token string) (ListBody[thing], answer) {
	t.Helper()
	got := f.get(t, target, as(token))
	require.Equal(t, 200, got.StatusCode, got.body)
	var body ListBody[thing]
	require.NoError(t, json.Unmarshal([]byte(got.body), &body))
	return body, got
}

func TestPage_Walk(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	target, seen := "/api/v2/things?name=a+b%26c&limit=200", 0
	for pages := 1; ; pages++ {
		body, got := f.page(t, target, adaToken)
		for _, item := range body.Items {
			seen++
			require.Equal(t, seen, item.Count)
		}
		if body.NextCursor == "" {
			require.Equal(t, 3, pages)
			require.Empty(t, got.Header.Get("Link"))
			break
		}
		link := got.Header.Get("Link")
		require.True(t, strings.HasPrefix(link, "</api/v2/things?") && strings.HasSuffix(link, `>; rel="next"`), link)
		target = link[1:strings.Index(link, ">")]
		require.Contains(t, target, "cursor="+url.QueryEscape(body.NextCursor))
		require.Contains(t, target, "name=a+b%26c")
	}
	require.Equal(t, 450, seen)
	body, _ := f.page(t, "/api/v2/things", adaToken)
	require.Len(t, body.Items, 50, "the default")
}

// Incident 9: no limit makes the server allocate what a caller wishes.
func TestIncident9_HugeLimit(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	for _, limit := range []string{"201", "2147483648", "9223372036854775807", "99999999999999999999", "-1", "0", "1e3", "0x10", "1.5"} {
		got := f.get(t, "/api/v2/things?limit="+limit, as(adaToken))
		require.Equal(t, 400, got.StatusCode, limit)
		require.Equal(t, "query.limit", got.problem(t).Errors[0].Location)
	}
}

// A cursor opens only the list that it came from: the same route, filter and scope.
func TestCursor_IsBound(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	body, _ := f.page(t, "/api/v2/things?name=x&limit=2", adaToken)
	cursor := url.QueryEscape(body.NextCursor)
	next, _ := f.page(t, "/api/v2/things?limit=3&cursor="+cursor+"&name=x", adaToken)
	require.Equal(t, 3, next.Items[0].Count, "another limit is the same list")

	flipped := []byte(body.NextCursor)
	flipped[0] ^= 1
	forged := base64.RawURLEncoding.EncodeToString(append(make([]byte, 32), "400"...))
	for name, c := range map[string]struct{ target, token string }{
		"another scope":  {"/api/v2/things?name=x&cursor=" + cursor, bobToken},
		"another filter": {"/api/v2/things?name=y&cursor=" + cursor, adaToken},
		"no filter":      {"/api/v2/things?cursor=" + cursor, adaToken},
		"changed":        {"/api/v2/things?name=x&cursor=" + url.QueryEscape(string(flipped)), adaToken},
		"longer":         {"/api/v2/things?name=x&cursor=" + cursor + "0", adaToken},
		"shorter":        {"/api/v2/things?name=x&cursor=" + cursor[:40], adaToken},
		"forged":         {"/api/v2/things?name=x&cursor=" + forged, adaToken},
		"nonsense":       {"/api/v2/things?name=x&cursor=!", adaToken},
	} {
		got := f.get(t, c.target, as(c.token))
		require.Equal(t, 400, got.StatusCode, name)
		require.Equal(t, "query.cursor", got.problem(t).Errors[0].Location, name)
	}
	require.Equal(t, 400, f.get(t, "/api/v2/things?cursor="+strings.Repeat("A", 1025), as(adaToken)).StatusCode)

	same, other := setup(t, nil), setup(t, func(s *Settings) { s.CursorKey = "" })
	require.Equal(t, 200, same.get(t, "/api/v2/things?name=x&cursor="+cursor, as(adaToken)).StatusCode, "another server with the key")
	require.Equal(t, 400, other.get(t, "/api/v2/things?name=x&cursor="+cursor, as(adaToken)).StatusCode, "another key")

	c, another := newCursors("k"), Route{operation: Operation{Method: http.MethodGet, Path: "/a"}}
	e := exchange{route: &another, cursors: c}
	list, err := e.list()
	require.NoError(t, err)
	sealed, err := c.seal(list, 7)
	require.NoError(t, err)
	var position int
	require.NoError(t, c.open(list, sealed, &position))
	require.Equal(t, 7, position)
	e.route = &Route{operation: Operation{Method: http.MethodGet, Path: "/b"}}
	list, err = e.list()
	require.NoError(t, err)
	require.Error(t, c.open(list, sealed, &position), "another route")
	require.Error(t, c.open([]string{"a", "bc"}, mustSeal(t, c, "ab", "c"), &position), "parts do not run together")
}

func mustSeal(t *testing.T, c *cursors, list ...string) string {
	t.Helper()
	sealed, err := c.seal(list, 1)
	require.NoError(t, err)
	return sealed
}

// Whatever a cursor holds, it opens only if it was sealed.
func FuzzCursor(f *testing.F) {
	c := newCursors("0123456789abcdef0123456789abcdef")
	sealed, err := c.seal([]string{"list"}, "position")
	require.NoError(f, err)
	f.Add(sealed)
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, cursor string) {
		var position string
		require.Equal(t, cursor == sealed, c.open([]string{"list"}, cursor, &position) == nil)
	})
}
