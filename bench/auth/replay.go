//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strconv"
	"testing"
)

const (
	replayOrganizations = 5
	replayUsers         = 40 // of each
	replaySeed          = 20_26
)

// measureReplay sends mixed traffic of a fixed seed and asks the server how often it knew
// the permissions of a caller without PostgreSQL.
func measureReplay(t testing.TB, o *options, out io.Writer) error {
	d, err := startDatabases(t)
	if err != nil {
		return err
	}
	var all []*organization
	for i := range replayOrganizations {
		one, err := d.organization(t.Context(), fmt.Sprintf("org%d", i), replayUsers)
		if err != nil {
			return err
		}
		all = append(all, one)
	}
	s, err := startServer(t, d)
	if err != nil {
		return err
	}
	r := &replay{server: s, organizations: all, clients: make(map[user]*client), developers: make(map[user]bool), random: rand.New(rand.NewPCG(replaySeed, replaySeed))}
	for range o.replay {
		if err := r.step(t.Context()); err != nil {
			return err
		}
	}
	hits, calls, err := s.permissionLookups(t.Context())
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "replay: %d requests of %d users, %d logins, %d changes of roles; %.0f of %.0f look-ups hit\n",
		o.replay, len(r.clients), r.logins, r.changes, hits, calls)
	figure(out, "permission_cache_hit_rate", hits/calls)
	return nil
}

// replay is the traffic so far.
type replay struct {
	server          *server
	organizations   []*organization
	clients         map[user]*client
	random          *rand.Rand
	developers      map[user]bool
	logins, changes int
}

// step is one request of somebody: few users make most of the calls.
func (r *replay) step(ctx context.Context) error {
	in := r.organizations[r.random.IntN(len(r.organizations))]
	share := r.random.Float64()
	who := in.users[int(share*share*float64(len(in.users)))]
	if r.clients[who] == nil || r.random.IntN(100) == 0 {
		r.logins++
		c, err := r.server.client(r.server.transport(1))
		if err != nil {
			return err
		}
		r.clients[who] = c
		_, err = c.login(ctx, who.email)
		return err
	}
	if r.random.IntN(100) < 2 && r.clients[in.users[0]] != nil {
		return r.changeRole(ctx, in)
	}
	status, _, err := r.clients[who].ask(ctx, http.MethodGet, "/api/v2/auth/me", nil, nil)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("a read was answered %d", status)
	}
	return err
}

// changeRole has the Owner give somebody the role Developer, or take it away again.
func (r *replay) changeRole(ctx context.Context, in *organization) error {
	const developer = "00000000-0000-8000-8000-000000000003"
	r.changes++
	whose := in.users[1+r.random.IntN(len(in.users)-1)]
	method := http.MethodPut
	if r.developers[whose] {
		method = http.MethodDelete
	}
	r.developers[whose] = !r.developers[whose]
	status, _, err := r.clients[in.users[0]].ask(ctx, method,
		fmt.Sprintf("/api/v2/users/%s/tenants/%s/roles/%s", whose.User, in.tenant.Tenant, developer), nil, nil)
	if err == nil && status >= http.StatusMultipleChoices {
		err = fmt.Errorf("a change of a role was answered %d", status)
	}
	return err
}

// A line such as telemetryflow_cache_requests_total{kind="rbac:permissions",level="l1",…} 12.
var lookups = regexp.MustCompile(`(?m)^telemetryflow_cache_requests\w*\{[^}]*kind="rbac:permissions"[^}]*level="(l1|l2|none)"[^}]*\} (\S+)$`)

// permissionLookups reads the server's own metrics.
func (s *server) permissionLookups(ctx context.Context) (hits, calls float64, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.admin+"/metrics", nil)
	if err != nil {
		return 0, 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, 0, err
	}
	for _, line := range lookups.FindAllSubmatch(text, -1) {
		n, err := strconv.ParseFloat(string(line[2]), 64)
		if err != nil {
			return 0, 0, err
		}
		calls += n
		if string(line[1]) != "none" {
			hits += n
		}
	}
	if calls == 0 {
		err = fmt.Errorf("the metrics have no look-ups of permissions:\n%s", text)
	}
	return hits, calls, err
}
