package main

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// row is a line of the table: what each column is answered by a route, for an object.
type row struct {
	method, path, object string
	want                 []int // 0: not asked
	public               bool  // whatever the credential
}

func (r row) route() string { return r.method + " " + r.path }

// readAccess reads the table, whose head must name the columns.
func readAccess(t *testing.T, columns []column) []row {
	t.Helper()
	file, err := os.Open("testdata/access.txt")
	require.NoError(t, err)
	defer file.Close()
	var rows []row
	headed := false
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if r, is := publicRow(fields, len(columns)); is {
			rows = append(rows, r)
			continue
		}
		require.Len(t, fields, 3+len(columns), lines.Text())
		if !headed {
			for i, column := range columns {
				require.Equal(t, column.name, fields[3+i], "the head of the table")
			}
			headed = true
			continue
		}
		r := row{method: fields[0], path: fields[1], object: fields[2]}
		for _, text := range fields[3:] {
			status, err := strconv.Atoi(text)
			require.True(t, err == nil || text == "-", lines.Text())
			r.want = append(r.want, status)
		}
		rows = append(rows, r)
	}
	return rows
}

// publicRow is one with a single answer, and a star for all columns.
func publicRow(fields []string, columns int) (r row, is bool) {
	if len(fields) != 5 || fields[4] != "*" {
		return r, false
	}
	status, err := strconv.Atoi(fields[3])
	return row{fields[0], fields[1], fields[2], slices.Repeat([]int{status}, columns), true}, err == nil
}

// requireWhole compares the table with the router and with the probes.
func (w *world) requireWhole(t *testing.T, rows []row) {
	t.Helper()
	objects := map[string][]string{}
	for _, r := range rows {
		require.NotContains(t, objects[r.route()], r.object, "a line comes twice: %s", r.route())
		objects[r.route()] = append(objects[r.route()], r.object)
	}
	var missing []string
	routes, probes := map[string]bool{}, probes()
	for _, route := range w.http.Routes() {
		name := route.Method() + " " + route.Path()
		routes[name] = true
		if _, known := probes[name]; !known {
			missing = append(missing, fmt.Sprintf("among the probes: %q: {},", name))
		}
		needed := []string{"own"}
		if regexp.MustCompile(`\{(id|domain|trace[^}]+|service)\}`).MatchString(route.Path()) {
			needed = append(needed, "foreign")
		}
		for _, object := range needed {
			if !slices.Contains(objects[name], object) {
				missing = append(missing, "in testdata/access.txt: "+name+" "+object+strings.Repeat(" ???", len(w.columns())))
			}
		}
	}
	for name := range objects {
		if !routes[name] {
			missing = append(missing, "in testdata/access.txt: the route is gone, remove "+name)
		}
	}
	for name := range probes {
		if !routes[name] {
			missing = append(missing, "among the probes: the route is gone, remove "+name)
		}
	}
	require.Empty(t, missing, "%s", strings.Join(missing, "\n"))
}
