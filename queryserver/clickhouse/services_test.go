package clickhouse

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

func names(services []queryserver.Service) []string {
	found := []string{}
	for _, service := range services {
		found = append(found, service.Name)
	}
	return found
}

// Rule 27: what roles may see of the data holds in lists too, whichever table answers.
func TestServices_Filter(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, of := range []struct{ service, environment, zone string }{
		{"shop", "production", ""}, {"shop", "staging", "a"}, {"cart", "staging", ""}, {"mail", "", "a"},
	} {
		resource := map[string]string{"service.name": of.service}
		if of.environment != "" {
			resource["deployment.environment.name"] = of.environment
		}
		own := map[string]string{}
		if of.zone != "" {
			own["zone"] = of.zone
		}
		w.Logs(t, w.Tenant, record(noon, "x", resource, own))
	}
	w.Logs(t, w.Other, record(noon, "x", map[string]string{"service.name": "secret", "deployment.environment": "staging"}, nil))
	is := func(dimension string, values ...string) queryserver.Predicate {
		return queryserver.Predicate{Dimension: dimension, Values: values}
	}
	for name, c := range map[string]struct {
		alternatives [][]queryserver.Predicate
		want         []string
	}{
		"everything":       {nil, []string{"cart", "mail", "shop"}},
		"service":          {[][]queryserver.Predicate{{is("service", "shop", "mail")}}, []string{"mail", "shop"}},
		"environment":      {[][]queryserver.Predicate{{is("environment", "staging")}}, []string{"cart", "shop"}},
		"own attribute":    {[][]queryserver.Predicate{{is("zone", "a")}}, []string{"mail", "shop"}},
		"both":             {[][]queryserver.Predicate{{is("environment", "staging"), is("zone", "a")}}, []string{"shop"}},
		"either":           {[][]queryserver.Predicate{{is("environment", "production")}, {is("service", "mail")}}, []string{"mail", "shop"}},
		"missing":          {[][]queryserver.Predicate{{is("region", "")}}, []string{}},
		"other's resource": {[][]queryserver.Predicate{{is("service", "secret")}}, []string{}},
	} {
		got, err := w.Services(t.Context(), scope(w.Tenant, c.alternatives...), day)
		require.NoError(t, err, name)
		require.Equal(t, c.want, names(got), name)
	}
	got, err := w.Services(t.Context(), scope(w.Other), day)
	require.NoError(t, err)
	require.Equal(t, []string{"secret"}, names(got))
	require.Equal(t, map[queryserver.Signal]uint64{queryserver.Logs: 1}, got[0].Items)
	require.True(t, noon.Equal(got[0].FirstSeen))
	got, err = w.Services(t.Context(), scope(w.Tenant), queryserver.TimeRange{From: noon.Add(time.Hour), To: day.To})
	require.NoError(t, err)
	require.Empty(t, got)
}

// Values come back as they went, whatever is in them, and are never read as SQL.
func TestServices_Injection(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.Logs(t, w.Other, record(noon, "x", map[string]string{"service.name": "secret"}, nil))
	for _, text := range []string{
		"it's", `back\slash`, "tab\tnewline\nreturn\r", "nul\x00byte", `"quotes"`, "{p1:String}", "?", "'] OR 1=1 --", "') OR ('1'='1", "❄ snow", "\\' OR 1=1 -- ", "a,b", "[]",
	} {
		w.Logs(t, w.Tenant, record(noon, "x", map[string]string{"service.name": text, "k'] OR 1=1 --": text}, nil))
		for _, dimension := range []string{"service", "k'] OR 1=1 --"} {
			got, err := w.Services(t.Context(), scope(w.Tenant, []queryserver.Predicate{{Dimension: dimension, Values: []string{text}}}), day)
			require.NoError(t, err, "%q", text)
			require.Equal(t, []string{text}, names(got), "%s %q", dimension, text)
		}
	}
}

func TestRead_Refuses(t *testing.T) {
	t.Parallel()
	_, err := read(queryserver.Scope{}, queryserver.LogsRead)
	require.Equal(t, queryserver.Forbidden, queryserver.CodeOf(err))
	r, _, err := servicesQuery(queryserver.Scope{}, queryserver.Logs, day)
	require.Nil(t, r)
	require.Equal(t, queryserver.Forbidden, queryserver.CodeOf(err))
}
