package main

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Telemetry is asked for in its hour, which is the default, or at its moment.

func telemetryProbes() map[string]probe {
	return map[string]probe{"GET /api/v2/telemetry/services": {tells: true}}
}

func metricProbes() map[string]probe {
	const stem = " /api/v2/telemetry/metrics"
	return map[string]probe{
		"GET" + stem:            {tells: true},
		"GET" + stem + "/query": {tells: true, query: "?metric=orders&aggregation=max&groupBy=service"},
		"POST" + stem + "/query": {tells: true, body: func(*cell) any {
			return object{"metrics": []string{"orders"}, "aggregation": "max", "groupBy": []string{"service"}}
		}},
		"GET" + stem + "/names":         {tells: true},
		"GET" + stem + "/labels":        {tells: true},
		"GET" + stem + "/labels/values": {tells: true, query: "?label=service"},
		"GET" + stem + "/series":        {tells: true},
		"GET" + stem + "/exemplars":     {tells: true},
		"GET" + stem + "/otlp":          {tells: true},
	}
}

func logProbes() map[string]probe {
	const stem = "GET /api/v2/telemetry/logs"
	return map[string]probe{
		stem:                    {tells: true},
		stem + "/query":         {tells: true, query: "?by=service"},
		stem + "/fields":        {tells: true},
		stem + "/fields/values": {tells: true, query: "?field=service"},
		stem + "/context":       {tells: true, asks: (*cell).logPosition},
		stem + "/export":        {tells: true},
		stem + "/otlp":          {tells: true},
	}
}

// logPosition is a record of the shop, of the service that filters let through or of the
// one aside.
func (c *cell) logPosition() string {
	service := c.estate().service("shop")
	if c.row.object == aside {
		service += aside
	}
	at := c.estate().logs[service]
	return fmt.Sprintf("?services=all&timestamp=%s&ingestId=%d", at.Timestamp.Format(time.RFC3339Nano), at.IngestID)
}

func traceProbes() map[string]probe {
	const stem = "GET /api/v2/telemetry/"
	return map[string]probe{
		stem + "traces":           {tells: true},
		stem + "traces/query":     {tells: true, query: "?groupBy=service"},
		stem + "traces/{traceId}": {tells: true, ids: (*cell).trace},
		stem + "traces/otlp":      {tells: true},
		stem + "spans":            {tells: true},
		stem + "operations":       {tells: true, asks: (*cell).ofService},
		stem + "service-map":      {tells: true},
	}
}

// trace is one of the shop.
func (c *cell) trace() []string { return []string{traceIDOf(c.estate().service("shop")).String()} }

// asked is a service of the caller's tenant, or of another organization's.
func (c *cell) asked() string {
	if c.row.object == "foreign" || c.caller.estate == nil {
		return c.estate().service("shop")
	}
	return c.caller.service()
}

func (c *cell) ofService() string { return "?service=" + c.asked() }

func jaegerProbes() map[string]probe {
	const stem = "GET /jaeger/api/"
	return map[string]probe{
		stem + "services":                      {tells: true},
		stem + "services/{service}/operations": {tells: true, ids: func(c *cell) []string { return []string{c.asked()} }},
		stem + "operations":                    {tells: true, asks: (*cell).ofService},
		stem + "traces":                        {tells: true, asks: (*cell).ofService},
		stem + "traces/{traceID}":              {tells: true, ids: (*cell).trace},
		stem + "dependencies":                  {tells: true},
		stem + "v3/services":                   {tells: true},
		stem + "v3/operations":                 {tells: true, asks: (*cell).ofService},
		stem + "v3/traces": {tells: true, asks: func(c *cell) string {
			return "?" + url.Values{
				"query.serviceName":  {c.asked()},
				"query.startTimeMin": {c.world.noon.Add(-time.Minute).Format(time.RFC3339)},
				"query.startTimeMax": {c.world.noon.Add(time.Minute).Format(time.RFC3339)},
			}.Encode()
		}},
		stem + "v3/traces/{traceID}": {tells: true, ids: (*cell).trace},
	}
}

func prometheusProbes() map[string]probe {
	const stem = " /prometheus/api/v1/"
	all := map[string]probe{
		"GET" + stem + "label/{name}/values": {tells: true, ids: constant("__name__")},
		"GET" + stem + "metadata":            {tells: true},
		"GET" + stem + "status/buildinfo":    {},
	}
	for path, parameters := range map[string]func(*cell) url.Values{
		"query": func(c *cell) url.Values {
			return url.Values{"query": {"orders_total"}, "time": {c.seconds(time.Second)}}
		},
		"query_range": func(c *cell) url.Values {
			return url.Values{"query": {"orders_total"}, "start": {c.seconds(0)}, "end": {c.seconds(time.Minute)}, "step": {"30"}}
		},
		"query_exemplars": func(c *cell) url.Values {
			return url.Values{"query": {"orders_total"}, "start": {c.seconds(-time.Minute)}, "end": {c.seconds(time.Minute)}}
		},
		"format_query": func(*cell) url.Values { return url.Values{"query": {"orders_total"}} },
		"series":       func(*cell) url.Values { return url.Values{"match[]": {"orders_total"}} },
		"labels":       func(*cell) url.Values { return url.Values{} },
	} {
		tells := !strings.HasPrefix(path, "format")
		all["GET"+stem+path] = probe{tells: tells, asks: func(c *cell) string { return "?" + parameters(c).Encode() }}
		all["POST"+stem+path] = probe{tells: tells, body: func(c *cell) any { return parameters(c) }}
	}
	return all
}

// seconds is a moment after the telemetry's, as PromQL's API reads it.
func (c *cell) seconds(after time.Duration) string {
	return strconv.FormatInt(c.world.noon.Add(after).Unix(), 10)
}
