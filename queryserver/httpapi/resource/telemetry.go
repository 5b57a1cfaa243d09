package resource

import (
	"context"
	"net/http"
	"time"

	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/httpapi"
)

const tagTelemetry = "Telemetry"

// readTelemetry is a route under /api/v2/telemetry/ that reads.
func readTelemetry(path, id, summary string) httpapi.Operation {
	return httpapi.Operation{Method: http.MethodGet, Path: "/api/v2/telemetry/" + path, ID: id, Tag: tagTelemetry, Summary: summary}
}

// Within is the time range of a question.
type Within struct {
	From time.Time `query:"from" doc:"RFC 3339; default: an hour before to"`
	To   time.Time `query:"to" doc:"RFC 3339, not included; default: now"`
}

const (
	defaultRange = time.Hour
	// longestRange is longer than any retention.
	longestRange = 400 * 24 * time.Hour
)

// timeRange fills in what is missing, to the minute, so that neighbours ask the same.
func (w Within) timeRange() (queryserver.TimeRange, error) {
	in := queryserver.TimeRange{From: w.From.UTC(), To: w.To.UTC()}
	if w.To.IsZero() {
		in.To = time.Now().UTC().Truncate(time.Minute).Add(time.Minute)
	}
	if w.From.IsZero() {
		in.From = in.To.Add(-defaultRange)
	}
	fault := func(location, message string) error {
		return &queryserver.Error{Code: queryserver.Invalid, Message: "the time range cannot be used", Fields: []queryserver.FieldError{{Location: location, Message: message}}}
	}
	switch {
	case !in.From.Before(in.To):
		return in, fault("query.from", "must be before to")
	case in.To.Sub(in.From) > longestRange:
		return in, fault("query.from", "must be at most 400 days before to")
	}
	return in, nil
}

// Cached are the headers that say where an answer came from.
type Cached struct {
	XCache      string `header:"X-Cache" doc:"HIT or MISS"`
	XCacheLevel string `header:"X-Cache-Level" doc:"Of a HIT: L1, the server's memory, or L2, Redis"`
}

func cachedBy(trail *queryserver.Trail) Cached {
	if level := trail.Origin(); level != "" {
		return Cached{"HIT", string(level)}
	}
	return Cached{XCache: "MISS"}
}

type telemetry struct{ store queryserver.Telemetry }

// TelemetryRoutes are what a tenant has in general.
func TelemetryRoutes(store queryserver.Telemetry) []httpapi.Route {
	t := &telemetry{store}
	return []httpapi.Route{
		// Whoever may read any signal may ask; he is told of the signals that he may read.
		httpapi.JSON(httpapi.Authenticated(), readTelemetry("services", "listServices", "List the services that have sent telemetry"), t.services),
	}
}

type servicesInput struct{ Within }

type servicesOutput struct {
	Cached
	Body struct {
		Items []queryserver.Service `json:"items" nullable:"false"`
	}
}

func (t *telemetry) services(ctx context.Context, call queryserver.Call, input *servicesInput) (*servicesOutput, error) {
	in, err := input.timeRange()
	if err != nil {
		return nil, err
	}
	ctx, trail := queryserver.WithTrail(ctx)
	services, err := t.store.Services(ctx, call.Scope, in)
	if err != nil {
		return nil, err
	}
	output := &servicesOutput{Cached: cachedBy(trail)}
	output.Body.Items = services
	return output, nil
}
