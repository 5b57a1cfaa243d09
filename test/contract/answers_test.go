//go:build linux

package contract

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"github.com/telemetryflow/telemetryflow/internal/apikey/keyadmin"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

func TestContract_Answers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	t.Run("HTTPOnly", w.testHTTPOnly)
	t.Run("Success", w.testSuccess)
	t.Run("WideKeys", w.testWideKeys)
}

// testHTTPOnly has the refusals that gRPC does not know.
func (w *world) testHTTPOnly(t *testing.T) {
	h := headers(w.key(t))
	for _, s := range signals {
		body := s.item(t, protobuf, refused, time.Now())
		for _, row := range []struct {
			name, method, path, contentType, coding string
			code                                    int
			answer                                  string // its content type
		}{
			{"unknown path", "POST", "/v1/" + s.name + "/", protobuf, "", 404, protobuf},
			{"unknown dialect", "POST", "/v3/" + s.name, jsonType, "", 404, jsonType},
			{"upper case", "POST", "/V1/" + s.name, "", "", 404, jsonType},
			{"GET", "GET", "/v1/" + s.name, protobuf, "", 405, protobuf},
			{"PUT", "PUT", "/v2/" + s.name, jsonType, "", 405, jsonType},
			{"OPTIONS", "OPTIONS", "/api/v2/otlp/" + s.name, "", "", 405, jsonType},
			{"no content type", "POST", "/v1/" + s.name, "", "", 415, jsonType},
			{"text", "POST", "/v1/" + s.name, "text/plain", "", 415, jsonType},
			{"two content types", "POST", "/v1/" + s.name, jsonType + ", " + protobuf, "", 415, jsonType},
			{"unknown coding", "POST", "/v1/" + s.name, protobuf, "br", 415, protobuf},
			{"two codings", "POST", "/v1/" + s.name, protobuf, "gzip, gzip", 415, protobuf},
			{"not gzip", "POST", "/v1/" + s.name, protobuf, "gzip", 400, protobuf},
			{"not JSON", "POST", "/v1/" + s.name, jsonType, "", 400, jsonType},
		} {
			sent := h
			if row.coding != "" {
				sent = with(h, "Content-Encoding", row.coding)
			}
			got := w.post(t, row.method, row.path, row.contentType, sent, body)
			require.Equal(t, row.code, got.code, "%s: %s", row.name, got.body)
			require.Equal(t, row.answer, got.header.Get("Content-Type"), row.name)
			require.Equal(t, row.code == 405, got.header.Get("Allow") == "POST", row.name)
			require.Equal(t, row.code == 415 && row.coding != "", got.header.Get("Accept-Encoding") != "", row.name)
			require.NotEmpty(t, readStatus(t, row.answer, got.body).GetMessage(), row.name)
		}
		cut := packed(t, body)
		got := w.post(t, http.MethodPost, "/v1/"+s.name, protobuf, with(h, "Content-Encoding", "gzip"), cut[:len(cut)-4])
		require.Equal(t, 400, got.code, "gzip cut short")
	}
	got := w.call(t, "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export", h, nil)
	require.Equal(t, codes.Unimplemented, got.status.Code())
	w.requireNothing(t, refused)
}

func (w *world) testSuccess(t *testing.T) {
	limitedKey := headers(w.key(t, limited(keyadmin.Limits{RequestsPerMinute: 600})))
	past := time.Now().AddDate(-1, 0, 0)
	rejectedItems := map[string]string{"traces": "rejectedSpans", "metrics": "rejectedDataPoints", "logs": "rejectedLogRecords"}
	for _, s := range signals {
		for _, prefix := range []string{"/v1/", "/v2/", "/api/v2/otlp/"} {
			for contentType, encoding := range map[string]string{protobuf: protobuf, jsonType: jsonType, jsonType + "; charset=utf-8": jsonType} {
				got := w.post(t, http.MethodPost, prefix+s.name, contentType, limitedKey, s.item(t, encoding, "contract-good", time.Now()))
				require.Equal(t, 200, got.code, "%s", got.body)
				require.Equal(t, encoding, got.header.Get("Content-Type"))
				job := got.header.Get("X-Job-Id")
				require.Regexp(t, "^[A-Za-z0-9_-]{40,200}$", job)
				require.Equal(t, "600", got.header.Get("X-RateLimit-Limit"))
				require.Regexp(t, "^[0-9]+$", got.header.Get("X-RateLimit-Remaining"))
				require.Regexp(t, "^[0-9]+$", got.header.Get("X-RateLimit-Reset"))
				switch {
				case encoding == protobuf:
					require.Empty(t, got.body)
				case prefix == "/api/v2/otlp/":
					require.Equal(t, `{"jobId":"`+job+`"}`, string(got.body))
				default:
					require.Equal(t, `{}`, string(got.body))
				}
			}
		}
		got := w.call(t, s.method, limitedKey, s.item(t, protobuf, "contract-good", time.Now()))
		require.Equal(t, codes.OK, got.status.Code(), got.status.Message())
		require.Empty(t, got.body)
		require.Regexp(t, "^[A-Za-z0-9_-]{40,200}$", got.trailer.Get("x-job-id")[0])
		require.Equal(t, []string{"600"}, got.header.Get("x-ratelimit-limit"))

		partial := w.post(t, http.MethodPost, "/v1/"+s.name, jsonType, limitedKey, s.item(t, jsonType, refused, past))
		require.Equal(t, 200, partial.code)
		require.JSONEq(t, `{"partialSuccess":{"`+rejectedItems[s.name]+`":"1","errorMessage":"timestamp is outside of the accepted window"}}`, string(partial.body))
		empty := w.post(t, http.MethodPost, "/v1/"+s.name, protobuf, limitedKey, nil)
		require.Equal(t, 200, empty.code)
		require.Empty(t, empty.body)
	}
	w.requireNothing(t, refused)
}

// testWideKeys chooses by header and by attribute, and finds each item under the
// tenant that was chosen and no other.
func (w *world) testWideKeys(t *testing.T) {
	workspace := w.key(t, bound(keyadmin.Workspace, w.workspaces[0]))
	organization := w.key(t, bound(keyadmin.Organization, w.organization))
	one, two, three := w.tenants[0].String(), w.tenants[1].String(), w.tenants[2].String()
	for _, row := range []struct {
		name       string
		headers    map[string]string
		attributes []string
		want       string // "" means rejected in partial success
	}{
		{"workspace-header", headers(workspace, "X-Tenant-Id", two), nil, two},
		{"workspace-attribute", headers(workspace), []string{tenant.TenantAttribute, two}, two},
		{"workspace-header-wins", headers(workspace, "x-tenant-id", one), []string{tenant.TenantAttribute, two}, one},
		{"workspace-foreign-attribute", headers(workspace, "X-Tenant-Id", one), []string{tenant.TenantAttribute, three}, ""},
		{"organization-header", headers(organization, "X-TENANT-ID", three), nil, three},
		{"organization-attribute", headers(organization), []string{tenant.TenantAttribute, three}, three},
		{"organization-both", headers(organization, "X-Workspace-Id", w.workspaces[1].String()), []string{tenant.TenantAttribute, three}, three},
		{"organization-parted", headers(organization, "X-Workspace-Id", w.workspaces[0].String()), []string{tenant.TenantAttribute, three}, ""},
		{"organization-mere-names", headers(organization, "X-Tenant-Id", one), []string{"tenant_id", three, "Telemetryflow.Tenant.Id", three}, one},
	} {
		for _, s := range signals {
			got := w.post(t, http.MethodPost, "/v1/"+s.name, jsonType, row.headers, s.item(t, jsonType, row.name, time.Now(), row.attributes...))
			require.Equal(t, 200, got.code, "%s: %s", row.name, got.body)
			require.Equal(t, row.want == "", string(got.body) != "{}", "%s: %s", row.name, got.body)
			over := w.call(t, s.method, row.headers, s.item(t, protobuf, row.name, time.Now(), row.attributes...))
			require.Equal(t, codes.OK, over.status.Code(), over.status.Message())
			require.Equal(t, row.want == "", len(over.body) > 0, row.name)
		}
		if row.want == "" {
			w.requireNothing(t, row.name)
		} else {
			w.requireStored(t, row.name, row.want)
		}
	}
}
