package main

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

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
	case c.tellsTooMuch(text):
		return fault("the answer tells of services that the caller may not see: %.300s", text)
	case c.want < 300 && c.probe.tells && c.row.object == "own" && !c.caller.blind && !strings.Contains(text, c.caller.service()):
		return fault("the answer lacks %s: %.300s", c.caller.service(), text)
	case c.want >= 400 && strings.HasPrefix(c.row.path, "/api/") && !strings.HasPrefix(response.Header.Get("Content-Type"), "application/problem+json"):
		return fault("the error is no problem: %.300s", text)
	case c.want == http.StatusUnauthorized && response.Header.Get("WWW-Authenticate") == "":
		return fault("WWW-Authenticate is missing")
	case c.want < 300 && !c.caller.blind && c.row.object != "foreign" && strings.Contains(text, `"items":[]`):
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

// unasked are the cells of the table that nobody was there for.
func (m *matrix) unasked(rows []row) []string {
	var cells []string
	for _, r := range rows {
		for i, status := range r.want {
			if status != 0 && !r.public && m.got[r.route()+" "+r.object][i] == "" {
				cells = append(cells, fmt.Sprintf("%s %s: no caller of the column %s", r.route(), r.object, m.columns[i].name))
			}
		}
	}
	return cells
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
