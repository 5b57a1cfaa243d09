package jaeger

import (
	"context"
	"fmt"
	"time"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

const (
	// maxTraces of one answer. Jaeger UI offers up to 1500, whose spans no browser draws.
	maxTraces = 100
	// maxSpans of one answer, some 50 MB of JSON. What it has no room for is said in it.
	maxSpans = 20_000
	// around is how far from the span that was found the rest of its trace is looked for.
	around = time.Hour
)

// trace is one trace, in a list of one.
func (a *api) trace(ctx context.Context, scope queryserver.Scope, p parameters) (any, error) {
	found, err := a.traceByID(ctx, scope, p, "start", "end")
	if err != nil {
		return nil, err
	}
	return structured{Data: []trace{traceOf(found)}}, nil
}

func (a *api) traceByID(ctx context.Context, scope queryserver.Scope, p parameters, start, end string) (queryserver.Trace, error) {
	id, err := p.traceID()
	if err != nil {
		return queryserver.Trace{}, err
	}
	in := queryserver.TimeRange{}
	if p.query.Get(start) != "" || p.query.Get(end) != "" {
		if in, err = p.searchRange(); err != nil {
			return queryserver.Trace{}, err
		}
	}
	return a.store.Trace(ctx, scope, id, in)
}

// search finds traces by ids, or by a span that is as asked for.
func (a *api) search(ctx context.Context, scope queryserver.Scope, p parameters) (any, error) {
	if ids := p.query["traceID"]; len(ids) > 0 {
		return a.byIDs(ctx, scope, ids)
	}
	query, err := p.search()
	if err != nil {
		return nil, err
	}
	found, left, err := a.find(ctx, scope, query)
	answer := structured{Data: []trace{}, Limit: query.Limit, Errors: left}
	list := make([]trace, len(found))
	for i, one := range found {
		list[i] = traceOf(one)
	}
	answer.Data, answer.Total = list, len(list)
	return answer, err
}

// find gives whole traces, newest first, as many as an answer has room for.
func (a *api) find(ctx context.Context, scope queryserver.Scope, query queryserver.TraceQuery) (found []queryserver.Trace, left []fault, err error) {
	list, err := a.store.Traces(ctx, scope, query)
	if err != nil {
		return nil, nil, err
	}
	spans := 0
	for i, position := range list.Positions[:min(len(list.Positions), query.Limit)] {
		start := list.Items[i].Start
		end := start.Add(time.Duration(list.Items[i].Duration))
		one, err := a.store.Trace(ctx, scope, position.TraceID, queryserver.TimeRange{From: start.Add(-around), To: end.Add(around)})
		if queryserver.CodeOf(err) == queryserver.NotFound {
			continue // it was deleted just now
		}
		if err != nil {
			return nil, nil, err
		}
		if spans += len(one.Spans); spans > maxSpans && len(found) > 0 {
			return found, []fault{{Msg: fmt.Sprintf("only the newest %d traces are shown: more have too many spans for one answer", len(found))}}, nil
		}
		found = append(found, one)
	}
	return found, nil, nil
}

func (a *api) byIDs(ctx context.Context, scope queryserver.Scope, texts []string) (any, error) {
	if len(texts) > maxTraces {
		return nil, bad("traceID", fmt.Sprintf("must be at most %d", maxTraces))
	}
	ids := make([]queryserver.TraceID, len(texts))
	for i, text := range texts {
		if err := ids[i].UnmarshalText([]byte(text)); err != nil {
			return nil, err
		}
	}
	list, answer, spans := []trace{}, structured{}, 0
	for _, id := range ids {
		one, err := a.store.Trace(ctx, scope, id, queryserver.TimeRange{})
		switch {
		case queryserver.CodeOf(err) == queryserver.NotFound:
			answer.Errors = append(answer.Errors, fault{Msg: "trace not found", TraceID: id.String()})
			continue
		case err != nil:
			return nil, err
		}
		if spans += len(one.Spans); spans > maxSpans && len(list) > 0 {
			answer.Errors = append(answer.Errors, fault{Msg: "the traces have too many spans for one answer", TraceID: id.String()})
			continue
		}
		list = append(list, traceOf(one))
	}
	answer.Data, answer.Total = list, len(list)
	return answer, nil
}

// search reads the parameters of a search.
func (p parameters) search() (query queryserver.TraceQuery, err error) {
	if query.Service, _, err = p.text("service"); err != nil {
		return query, err
	}
	if query.Service == "" {
		return query, bad("service", "is required")
	}
	if query.Operation, _, err = p.text("operation"); err != nil {
		return query, err
	}
	if query.In, err = p.searchRange(); err != nil {
		return query, err
	}
	tags, err := p.tags()
	if err != nil {
		return query, err
	}
	query.Where = where(tags)
	return p.filled(query, "limit", "minDuration", "maxDuration")
}

// filled reads the limit and the durations, by their names.
func (p parameters) filled(query queryserver.TraceQuery, limit, least, most string, others ...string) (_ queryserver.TraceQuery, err error) {
	query.Order = queryserver.NewestFirst
	if query.Limit, err = p.limit(append([]string{limit}, others...)...); err != nil {
		return query, err
	}
	if query.MinDuration, err = p.duration(least); err != nil {
		return query, err
	}
	if query.MaxDuration, err = p.duration(most); err != nil {
		return query, err
	}
	if query.MaxDuration > 0 && query.MaxDuration < query.MinDuration {
		return query, bad(most, "must not be less than "+least)
	}
	return query, nil
}

// searchRange is start and end in microseconds. Without a start it is as long as lookback
// says, or Jaeger's default.
func (p parameters) searchRange() (in queryserver.TimeRange, err error) {
	if in.To, err = p.time("end", time.Microsecond, time.Now().UTC().Truncate(time.Minute).Add(time.Minute)); err != nil {
		return in, err
	}
	lookback := defaultLookback
	if given, err := time.ParseDuration(p.query.Get("lookback")); err == nil && given > 0 { // Jaeger UI also sends "custom"
		lookback = given
	}
	if in.From, err = p.time("start", time.Microsecond, in.To.Add(-lookback)); err != nil {
		return in, err
	}
	return checked(in, "start")
}
