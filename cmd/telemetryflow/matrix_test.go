package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/testkit"
)

// ASVS 8.2.1 to 8.2.3, incidents 20 and 22: every route × every identity answers as the
// reviewed table testdata/access.txt says, in which nothing comes from the router.
func TestMatrix_ASVS_8_2_1_EveryRouteEveryIdentity(t *testing.T) {
	t.Parallel()
	database := testkit.Postgres(t)
	w := newWorldAt(t, database.AppURL)
	columns := w.columns()
	rows := readAccess(t, columns)
	w.requireWhole(t, rows)
	m := &matrix{world: w, client: w.client(), columns: columns, shared: make(map[string]*caller), got: make(map[string][]string)}
	for _, late := range []bool{false, true} {
		m.run(t, slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return probes()[r.route()].late != late }))
	}
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

	mu                        sync.Mutex
	shared                    map[string]*caller
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
	for _, r := range rows {
		m.mu.Lock()
		m.got[r.route()+" "+r.object] = make([]string, len(m.columns))
		m.mu.Unlock()
		for i, column := range m.columns {
			callers := column.callers
			if r.public {
				callers = callers[:min(1, max(0, 4-i))] // it looks at none
			}
			for n, make := range callers {
				if r.want[i] == 0 {
					continue
				}
				once := probes()[r.route()].once && r.want[i] < 300
				slots <- struct{}{}
				running.Go(func() {
					defer func() { <-slots }()
					m.ask(t, r, i, m.caller(t, fmt.Sprint(i, " ", n), make, once))
				})
			}
		}
	}
	running.Wait()
}

// caller is made once, or for one request.
func (m *matrix) caller(t *testing.T, name string, make maker, once bool) *caller {
	if once {
		return make(t)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.shared[name] == nil {
		m.shared[name] = make(t)
	}
	return m.shared[name]
}

var placeholder = regexp.MustCompile(`\{[^}]+\}`)

func (m *matrix) ask(t *testing.T, r row, at int, who *caller) {
	c := &cell{T: t, world: m.world, row: r, caller: who, want: r.want[at]}
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

// request is the route as its probe says it, for the object of the row.
func (c *cell) request() *http.Request {
	probe, path := probes()[c.row.route()], strings.TrimSuffix(c.row.path, "{$}")
	if probe.ids != nil {
		for _, id := range probe.ids(c) {
			found := placeholder.FindStringIndex(path)
			require.NotNil(c, found, c.row.route())
			path = path[:found[0]] + id + path[found[1]:]
		}
	}
	var body io.Reader
	kind := ""
	if probe.body != nil {
		switch content := probe.body(c).(type) {
		case url.Values:
			body, kind = strings.NewReader(content.Encode()), "application/x-www-form-urlencoded"
		default:
			text, err := json.Marshal(content)
			require.NoError(c, err)
			body, kind = strings.NewReader(string(text)), "application/json"
		}
	}
	request, err := http.NewRequestWithContext(c.Context(), c.row.method, c.world.base+path, body)
	require.NoError(c, err)
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	c.caller.sign(request)
	return request
}

// judge says what is wrong with an answer; nothing: "".
func (m *matrix) judge(c *cell, response *http.Response, text string) string {
	fault := func(what string, about ...any) string {
		return fmt.Sprintf("%s %s as %s: ", c.row.route(), c.row.object, c.caller.name) + fmt.Sprintf(what, about...)
	}
	foreign := m.world.theirs.canary
	if c.caller.estate == m.world.theirs {
		foreign = m.world.ours.canary
	}
	switch {
	case response.StatusCode != c.want:
		return fault("%d and not %d: %.300s", response.StatusCode, c.want, text)
	case strings.Contains(text, foreign):
		return fault("the answer has a name of another organization: %.300s", text)
	case c.want >= 400 && strings.HasPrefix(c.row.path, "/api/") && !strings.HasPrefix(response.Header.Get("Content-Type"), "application/problem+json"):
		return fault("the error is no problem: %.300s", text)
	case c.want == http.StatusUnauthorized && strings.HasPrefix(c.row.path, "/api/") && response.Header.Get("WWW-Authenticate") == "":
		return fault("WWW-Authenticate is missing")
	case c.want < 300 && strings.Contains(text, `"items":[]`):
		return fault("the list is empty")
	default:
		return ""
	}
}

func (m *matrix) note(r row, at, status int, fault string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if fault != "" {
		m.faults = append(m.faults, fault)
	}
	seen := &m.got[r.route()+" "+r.object][at]
	switch text := strconv.Itoa(status); {
	case *seen == "":
		*seen = text
	case !strings.Contains(*seen, text):
		*seen += "|" + text
	}
}

func (m *matrix) count(c *cell, status int, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sent++
	if status >= 400 {
		return
	}
	m.succeeded++
	if c.caller.estate != nil && strings.Contains(text, c.caller.estate.canary) {
		m.canaries++
	}
}

// lines are the rows that differ, as they are answered.
func (m *matrix) lines(rows []row) []string {
	var all []string
	for _, r := range rows {
		got, want := slices.Clone(m.got[r.route()+" "+r.object]), make([]string, len(r.want))
		for i, status := range r.want {
			if want[i] = strconv.Itoa(status); status == 0 || r.public && got[i] == "" {
				want[i], got[i] = "-", "-"
			}
		}
		if !slices.Equal(got, want) {
			all = append(all, fmt.Sprintf("%-6s %-58s %-14s %s", r.method, r.path, r.object, strings.Join(got, " ")))
		}
	}
	return all
}
