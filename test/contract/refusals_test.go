//go:build linux

package contract

import (
	"bytes"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/apikey/keyadmin"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// refusal is a row of the table in docs/ingest.md.
type refusal struct {
	name    string
	headers map[string]string
	body    []byte // nil: a good one of the signal
	http    int
	grpc    codes.Code
	message string
	again   bool // it says when to repeat
	limit   bool // it has X-RateLimit headers
}

const (
	unauthenticated = "missing or invalid API key"
	notAllowed      = "the API key may not write to the named tenant"
	refused         = "contract-refused"
)

// refusals are the rows that both transports share, for one signal. The keys are
// made anew: some rows use a limit up.
func (w *world) refusals(t *testing.T, s signal) []refusal {
	t.Helper()
	good, lacking := w.key(t), w.key(t, permitted(others(s)...))
	stranger := apikey.NewCredential()
	wrong := apikey.Credential{ID: good.ID, Secret: apikey.NewSecret()}
	wide, widest := w.key(t, bound(keyadmin.Workspace, w.workspaces[0])), w.key(t, bound(keyadmin.Organization, w.organization))
	busy := w.key(t, limited(keyadmin.Limits{RequestsPerMinute: 1}))
	full := w.key(t, limited(keyadmin.Limits{ItemsPerSecond: 1}))
	heavy := w.key(t, limited(keyadmin.Limits{BytesPerSecond: 1}))
	unnamed := "the API key covers more than one tenant: name one in the X-Tenant-Id header or in the resource attribute telemetryflow.tenant.id"
	own, foreign := w.tenants[0].String(), w.tenants[2].String()
	swollen := bytes.Repeat([]byte{0x0a, 0}, 30<<20)
	return []refusal{
		{"no key", headers(apikey.Credential{}), nil, 401, codes.Unauthenticated, unauthenticated, false, false},
		{"unknown key", headers(stranger), nil, 401, codes.Unauthenticated, unauthenticated, false, false},
		{"wrong secret", headers(wrong), nil, 401, codes.Unauthenticated, unauthenticated, false, false},
		{"malformed key", map[string]string{"Authorization": "Bearer x"}, nil, 401, codes.Unauthenticated, unauthenticated, false, false},
		{"revoked key", headers(w.revoked(t)), nil, 401, codes.Unauthenticated, unauthenticated, false, false},
		{"expired key", headers(w.key(t, expired)), nil, 401, codes.Unauthenticated, unauthenticated, false, false},
		{"no permission", headers(lacking), nil, 403, codes.PermissionDenied, "the API key lacks the permission " + s.name + ":write", false, false},
		{"another tenant", headers(good, "X-Tenant-Id", foreign), nil, 403, codes.PermissionDenied, notAllowed, false, false},
		{"another workspace", headers(good, "X-Workspace-Id", w.workspaces[1].String()), nil, 403, codes.PermissionDenied, notAllowed, false, false},
		{"outside of a wide key", headers(wide, "X-Tenant-Id", foreign), nil, 403, codes.PermissionDenied, notAllowed, false, false},
		{"tenant of another workspace", headers(widest, "X-Workspace-Id", w.workspaces[1].String(), "X-Tenant-Id", own), nil, 403, codes.PermissionDenied, notAllowed, false, false},
		{"no UUID", headers(good, "X-Tenant-Id", "default"), nil, 400, codes.InvalidArgument, "the header X-Tenant-Id must be a UUID that is not zero", false, false},
		{"wide key, none named", headers(wide), nil, 400, codes.InvalidArgument, unnamed, false, false},
		{"widest key, workspace named", headers(widest, "X-Workspace-Id", w.workspaces[0].String()), nil, 400, codes.InvalidArgument, unnamed, false, false},
		{"over the request limit", w.spent(t, s, busy), nil, 429, codes.ResourceExhausted, "the API key has used up its limit of requests per minute", true, true},
		{"over the item limit", w.spent(t, s, full), nil, 429, codes.ResourceExhausted, "the API key has used up its limit of items per second", true, false},
		{"over the byte limit", w.spent(t, s, heavy), nil, 429, codes.ResourceExhausted, "the API key has used up its limit of bytes per second", true, false},
		{"undecodable", headers(good), []byte{0xff}, 400, codes.InvalidArgument, "", false, false},
		{"too large", headers(good), make([]byte, 64<<20+1), 413, codes.ResourceExhausted, "", false, false},
		{"too large when decoded", headers(good), swollen, 413, codes.ResourceExhausted, "", false, false},
	}
}

// spent uses up what a key may send in its first second or minute. A debt of
// thousands of bytes or items lasts longer than the test of its row.
func (w *world) spent(t *testing.T, s signal, key apikey.Credential) map[string]string {
	t.Helper()
	body := bytes.Repeat(s.item(t, protobuf, "contract-spent", time.Now()), 1000)
	got := w.post(t, http.MethodPost, "/v1/"+s.name, protobuf, headers(key), body)
	require.Equal(t, 200, got.code, "%s", got.body)
	return headers(key)
}

func others(s signal) []tenant.Permission {
	var permissions []tenant.Permission
	for _, other := range signals {
		if other != s {
			permissions = append(permissions, tenant.Permission(other.name+":write"))
		}
	}
	return permissions
}

func TestContract_Refusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, s := range signals {
		var constant []reply
		for _, row := range w.refusals(t, s) {
			name := s.name + ", " + row.name
			for _, contentType := range []string{protobuf, jsonType} {
				body := row.body
				if body == nil {
					body = s.item(t, contentType, refused, time.Now())
				}
				if row.name == "too large when decoded" && contentType == jsonType {
					body = append(append([]byte(`{"x":[`), bytes.Repeat([]byte("{},"), 20<<20)...), "{}]}"...)
				}
				h := with(row.headers, "Content-Encoding", "gzip")
				got := w.post(t, http.MethodPost, "/v1/"+s.name, contentType, h, packed(t, body))
				row.requireHTTP(t, name, contentType, got)
				if row.http == 401 && contentType == jsonType {
					constant = append(constant, got)
				}
			}
			body := row.body
			if body == nil {
				body = s.item(t, protobuf, refused, time.Now())
			}
			got := w.call(t, s.method, row.headers, body, grpc.UseCompressor(gzip.Name))
			row.requireStatus(t, name+" over gRPC", got.status.Proto())
			require.Equal(t, row.limit, len(got.header.Get("x-ratelimit-limit")) == 1, name)
			require.Empty(t, got.trailer.Get("x-job-id"), name)
		}
		for _, other := range constant {
			other.header.Set("Date", constant[0].header.Get("Date"))
			require.Equal(t, constant[0], other, "one answer for all that are not authenticated")
		}
		require.JSONEq(t, `{"code":16,"message":"missing or invalid API key"}`, string(constant[0].body))
	}
	w.requireNothing(t, refused)
	w.AwaitQuery(t, strconv.Itoa(3*1000), "SELECT count() FROM spans_v3 WHERE service_name = 'contract-spent'")
}

func (r refusal) requireHTTP(t *testing.T, name, contentType string, got reply) {
	t.Helper()
	require.Equal(t, r.http, got.code, "%s: %.300q", name, got.body)
	require.Equal(t, contentType, got.header.Get("Content-Type"), name)
	require.Equal(t, r.again, got.header.Get("Retry-After") != "", name)
	require.Equal(t, r.http == 401, got.header.Get("WWW-Authenticate") != "", name)
	require.Equal(t, r.limit, got.header.Get("X-RateLimit-Limit") == "1", name)
	require.Equal(t, r.limit, got.header.Get("X-RateLimit-Remaining") == "0", name)
	require.Equal(t, r.limit, got.header.Get("X-RateLimit-Reset") != "", name)
	require.Empty(t, got.header.Get("X-Job-Id"), name)
	r.requireStatus(t, name, readStatus(t, contentType, got.body))
}

func (r refusal) requireStatus(t *testing.T, name string, got *spb.Status) {
	t.Helper()
	require.Equal(t, r.grpc, codes.Code(got.GetCode()), "%s: %s", name, got.GetMessage())
	if r.message != "" {
		require.Equal(t, r.message, got.GetMessage(), name)
	}
	require.NotEmpty(t, got.GetMessage(), name)
	require.Equal(t, r.again, len(got.GetDetails()) == 1 && got.GetDetails()[0].MessageIs(&errdetails.RetryInfo{}), name)
	require.LessOrEqual(t, len(got.GetDetails()), 1, name)
}

func with(h map[string]string, name, value string) map[string]string {
	more := map[string]string{name: value}
	for n, v := range h {
		more[n] = v
	}
	return more
}
