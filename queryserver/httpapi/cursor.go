package httpapi

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// cursors seal where a page ends. A cursor is an HMAC-SHA256 and the position, in
// base64url; the HMAC also covers the route, the filter and the scope, so that a cursor
// opens nothing but the list it came from. The position is of a row that the caller has
// seen, so it is no secret.
type cursors struct{ key []byte }

func newCursors(key string) *cursors {
	c := &cursors{key: []byte(key)}
	if key == "" {
		c.key = make([]byte, sha256.Size)
		_, _ = rand.Read(c.key) // crypto/rand.Read never fails (Go 1.24)
	}
	return c
}

func (c *cursors) seal(list []string, position any) (string, error) {
	text, err := json.Marshal(position)
	if err != nil {
		return "", fmt.Errorf("write the position of a page: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(append(c.sum(list, text), text...)), nil
}

func (c *cursors) open(list []string, cursor string, position any) error {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(sealed) <= sha256.Size || !hmac.Equal(sealed[:sha256.Size], c.sum(list, sealed[sha256.Size:])) {
		return errCursor()
	}
	if err := json.Unmarshal(sealed[sha256.Size:], position); err != nil {
		return errCursor()
	}
	return nil
}

// sum writes the length before each part, so that none can lend bytes to the next.
func (c *cursors) sum(list []string, position []byte) []byte {
	mac := hmac.New(sha256.New, c.key)
	for _, part := range append(list, string(position)) {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		mac.Write(length[:])
		mac.Write([]byte(part))
	}
	return mac.Sum(nil)
}

func errCursor() error {
	return &queryserver.Error{
		Code: queryserver.Invalid, Message: "the cursor is not of this list; begin again without it",
		Fields: []queryserver.FieldError{{Location: "query.cursor", Message: "not of this list"}},
	}
}

// pageQuery is the part of the query that chooses the list, in one spelling.
func pageQuery(u *url.URL) string {
	query := u.Query()
	query.Del("cursor")
	query.Del("limit")
	return query.Encode()
}

// list names what a cursor is bound to.
func (e *exchange) list() ([]string, error) {
	var scope queryserver.Scope
	if e.call != nil {
		scope = e.call.Scope
	}
	filter, _ := scope.Sees(e.route.access.permission)
	rows, err := json.Marshal(filter.Alternatives())
	if err != nil {
		return nil, fmt.Errorf("write the filter of a page: %w", err)
	}
	in := scope.Tenant()
	return []string{"cursor 1", e.route.pattern(), e.path, e.query, scope.Organization().String(), in.Workspace.String(), in.Tenant.String(), string(rows)}, nil
}
