package main

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// audited is a line of testdata/audit.txt.
type audited struct{ action, where, how string }

func readAudited(t *testing.T) (all []audited) {
	t.Helper()
	text, err := os.ReadFile("testdata/audit.txt")
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		if fields := strings.Fields(line); len(fields) > 0 {
			require.Len(t, fields, 3, line)
			all = append(all, audited{fields[0], fields[1], fields[2]})
		}
	}
	return all
}

// The actions that code writes, in calls and in SQL.
var (
	actionInGo  = regexp.MustCompile(`(?:[aA]udit(?:In)?\(|change\{|note\()[^\n]*?"([a-z_]+\.[a-z_]+)"`)
	actionInSQL = regexp.MustCompile(`'([a-z_]+\.[a-z_]+)',\s*(?:owner_id|new_id|u\.|id)`)
	keyActions  = []string{"api_key.change", "api_key.create", "api_key.delete", "api_key.revoke", "api_key.rotate"} // of a trigger
)

// ASVS 16.2.1, 16.3.1: the actions that are written are those that were reviewed.
func TestAudit_ASVS_16_3_1_ActionsAreReviewed(t *testing.T) {
	t.Parallel()
	written := slices.Clone(keyActions)
	for _, folder := range []string{"../../queryserver/postgres", "../../queryserver/auth", "../../migrations/postgres"} {
		require.NoError(t, filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "dbgen") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, pattern := range []*regexp.Regexp{actionInGo, actionInSQL} {
				for _, found := range pattern.FindAllStringSubmatch(string(text), -1) {
					written = append(written, found[1])
				}
			}
			return err
		}))
	}
	slices.Sort(written)
	var reviewed []string
	for _, a := range readAudited(t) {
		reviewed = append(reviewed, a.action)
	}
	slices.Sort(reviewed)
	require.Equal(t, reviewed, slices.Compact(written))
}

// requireAudited walks the audit trail that requests of every route have left: who did
// what to what, where, from where, when, with which result; and every action of the list
// that requests leave is there.
func (w *world) requireAudited(t *testing.T, admin string) {
	t.Helper()
	type entry struct {
		Action, ActorKind, Actor, Subject, Outcome, RequestID string
		InTenant, HasIP, Recent                               bool
	}
	conn, err := pgx.Connect(t.Context(), admin)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	rows, err := conn.Query(t.Context(), `SELECT action, actor_kind, actor_id, subject, outcome, request_id, tenant_id IS NOT NULL, client_ip IS NOT NULL,
		at BETWEEN now() - interval '1 hour' AND now() FROM audit_logs WHERE request_id <> ''`)
	require.NoError(t, err)
	entries, err := pgx.CollectRows(rows, pgx.RowToStructByPos[entry])
	require.NoError(t, err)
	seen := make(map[string]bool)
	reviewed := readAudited(t)
	for _, e := range entries {
		at := slices.IndexFunc(reviewed, func(a audited) bool { return a.action == e.Action })
		require.GreaterOrEqual(t, at, 0, "%+v", e)
		require.True(t, e.ActorKind != "" && e.Actor != "" && e.Subject != "" && e.HasIP && e.Recent, "%+v", e)
		require.Equal(t, map[string]string{"http.request": "denied", "user.login": "failure"}[e.Action] == "", e.Outcome == "success", "%+v", e)
		if reviewed[at].where == "tenant" {
			require.True(t, e.InTenant, "%+v", e)
		}
		seen[e.Action] = true
	}
	for _, a := range reviewed {
		if a.how == "http" {
			require.True(t, seen[a.action], "no request has left the action %s", a.action)
		}
	}
}

// ASVS 16.3.1: a login that fails is in the trail, with what was wrong; of an address that
// nobody has there is no organization to tell.
func TestAudit_ASVS_16_3_1_FailedLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	user, err := w.store.User(t.Context(), w.ours.user)
	require.NoError(t, err)
	for _, email := range []string{user.Email, "nobody@example.com"} {
		response, err := w.client().Post(w.base+"/api/v2/auth/login", "application/json",
			strings.NewReader(`{"email":"`+email+`","password":"wrong"}`))
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusUnauthorized, response.StatusCode)
	}
	action := "user.login"
	trail, err := w.store.AuditTrail(t.Context(), w.ours.operator, queryserver.AuditQuery{Action: &action, To: time.Now().Add(time.Hour), Limit: 10})
	require.NoError(t, err)
	require.Len(t, trail, 1)
	require.Equal(t, "failure", trail[0].Outcome)
	require.Equal(t, w.ours.user.User.String(), trail[0].Subject)
	require.NotEmpty(t, trail[0].ClientIP)
	require.Equal(t, map[string]any{"factor": "password", "locked": false}, trail[0].Detail)
}
