package main

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/testkit"
	"github.com/telemetryflow/telemetryflow/internal/testkit/telemetrytest"
)

// ASVS 8.2.1 to 8.2.3, incidents 20 and 22: every route × every identity answers as the
// reviewed table testdata/access.txt says, in which nothing comes from the router.
func TestMatrix_ASVS_8_2_1_EveryRouteEveryIdentity(t *testing.T) {
	t.Parallel()
	database := testkit.Postgres(t)
	stored := telemetrytest.New(t)
	w := newWorldAt(t, database.AppURL, stored.Database.URL)
	w.keepTelemetry(t, stored)
	columns := w.columns()
	rows := readAccess(t, columns)
	w.requireWhole(t, rows)
	m := &matrix{world: w, client: w.client(), columns: columns, probes: probes(), shared: make(map[string]*caller), got: make(map[string][]string)}
	for _, late := range []bool{false, true} {
		m.run(t, slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return m.probes[r.route()].late != late }))
	}
	require.Empty(t, m.unasked(rows))
	if len(m.faults) > 0 {
		slices.Sort(m.faults)
		require.Fail(t, "answers differ from testdata/access.txt", "%s\n\nthe lines as they are answered, to be judged, not to be copied:\n%s",
			strings.Join(m.faults, "\n"), strings.Join(m.lines(rows), "\n"))
	}
	t.Logf("%d requests, of which %d succeeded, %d with a name of their own organization in the answer", m.sent, m.succeeded, m.canaries)
	require.Greater(t, m.succeeded, m.sent/20, "most credentials are to be refused")
	require.Greater(t, m.canaries, m.succeeded/4, "answers are empty")
	w.requireAudited(t, database.AdminURL)
}

type matrix struct {
	world   *world
	client  *http.Client
	columns []column
	probes  map[string]probe

	shared map[string]*caller

	mu                        sync.Mutex
	faults                    []string
	got                       map[string][]string // by row: the statuses by column
	sent, succeeded, canaries int
}

// atOnce is how many requests are under way: more than fill the server's processors, and
// far fewer than it takes.
const atOnce = 24

func (m *matrix) run(t *testing.T, rows []row) {
	var running sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for n, r := range rows {
		m.mu.Lock()
		m.got[r.route()+" "+r.object] = make([]string, len(m.columns))
		m.mu.Unlock()
		for i := range m.columns {
			for _, one := range m.askers(t, r, n, i) {
				slots <- struct{}{}
				running.Go(func() {
					defer func() { <-slots }()
					who := one.shared
					if m.probes[r.route()].once && r.want[i] < 400 && !who.user.User.IsZero() {
						who = one.anew(t)
					}
					m.ask(t, r, i, who)
				})
			}
		}
	}
	running.Wait()
}

// asker is a caller of a column, who was made once and can be made anew.
type asker struct {
	shared *caller
	anew   maker
}

// askers are who asks for the n-th row in a column. The race detector makes everything slow
// and finds nothing in one refusal after another, so that there the callers of a column
// take turns from row to row.
func (m *matrix) askers(t *testing.T, r row, n, at int) (all []asker) {
	callers := m.columns[at].callers
	if r.public {
		callers = callers[:min(1, max(0, 4-at))] // it looks at none
	}
	if r.want[at] == 0 {
		return nil
	}
	for k, make := range callers {
		who := m.caller(t, fmt.Sprint(at, " ", k), make)
		if r.takes(who) {
			all = append(all, asker{who, make})
		}
	}
	if raced && len(all) > atTurn {
		first := n * atTurn % len(all)
		all = append(all, all...)[first : first+atTurn]
	}
	return all
}

// atTurn is how many callers of a column ask for a row under the race detector. The rows are
// far more than the callers, so that each has his turn.
const atTurn = 2

// caller is made once.
func (m *matrix) caller(t *testing.T, name string, make maker) *caller {
	if m.shared[name] == nil {
		m.shared[name] = make(t)
	}
	return m.shared[name]
}

func (m *matrix) ask(t *testing.T, r row, at int, who *caller) {
	c := &cell{T: t, world: m.world, row: r, probe: m.probes[r.route()], caller: who, want: r.want[at]}
	for tries := 1; ; tries++ {
		response, text, err := c.send(m.client)
		if err != nil {
			m.note(r, at, 0, fmt.Sprintf("%s %s as %s: %v", r.route(), r.object, who.name, err))
			return
		}
		if response.StatusCode == http.StatusServiceUnavailable && tries < mostTries {
			continue // tenants come and go: what was read of a key is void when its organization changes meanwhile
		}
		m.note(r, at, response.StatusCode, m.judge(c, response, text))
		m.count(c, response.StatusCode, text)
		return
	}
}

// mostTries is how often a request is sent that the server is not ready for.
const mostTries = 50

func (c *cell) send(client *http.Client) (*http.Response, string, error) {
	response, err := client.Do(c.request())
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response, string(text), err
}
