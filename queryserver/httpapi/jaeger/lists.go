package jaeger

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// maxOperations of a service are listed.
const maxOperations = 1000

func (a *api) serviceNames(ctx context.Context, scope queryserver.Scope) ([]string, error) {
	services, err := a.store.Services(ctx, scope, lately())
	names := []string{}
	for _, service := range services {
		if service.Items[queryserver.Traces] > 0 {
			names = append(names, service.Name)
		}
	}
	return names, err
}

func (a *api) services(ctx context.Context, scope queryserver.Scope, _ parameters) (any, error) {
	names, err := a.serviceNames(ctx, scope)
	return structured{Data: names, Total: len(names)}, err
}

// operation is Jaeger's ui.Operation.
type operation struct {
	Name     string `json:"name"`
	SpanKind string `json:"spanKind"`
}

// operationsOf lists the operations of a service, by name and kind.
func (a *api) operationsOf(ctx context.Context, scope queryserver.Scope, service, kind string) ([]operation, error) {
	filter := queryserver.SpanFilter{In: lately(), Service: service}
	if kind != "" {
		filter.Kind = queryserver.SpanKind(strings.ToUpper(kind))
		if !slices.Contains(spanKinds(), filter.Kind) {
			return nil, bad("spanKind", "must be server, client, producer, consumer, internal or unspecified")
		}
	}
	found, err := a.store.SpanStatistics(ctx, scope, queryserver.SpanStatisticsQuery{SpanFilter: filter, GroupBy: []string{"operation", "kind"}, Limit: maxOperations})
	list := []operation{}
	for _, group := range found.Groups {
		list = append(list, operation{group.Values[0], kindText(queryserver.SpanKind(group.Values[1]))})
	}
	slices.SortFunc(list, func(a, b operation) int { return strings.Compare(a.Name+"\x00"+a.SpanKind, b.Name+"\x00"+b.SpanKind) })
	return list, err
}

func spanKinds() []queryserver.SpanKind {
	return []queryserver.SpanKind{queryserver.UnspecifiedSpan, queryserver.InternalSpan, queryserver.ServerSpan, queryserver.ClientSpan, queryserver.ProducerSpan, queryserver.ConsumerSpan}
}

// kindText is a kind in Jaeger's spelling; none for unspecified.
func kindText(kind queryserver.SpanKind) string {
	if kind == queryserver.UnspecifiedSpan {
		return ""
	}
	return strings.ToLower(string(kind))
}

func (a *api) operationNames(ctx context.Context, scope queryserver.Scope, p parameters) (any, error) {
	list, err := a.operationsOf(ctx, scope, p.path("service"), "")
	names := []string{}
	for _, one := range list {
		names = append(names, one.Name)
	}
	names = slices.Compact(names)
	return structured{Data: names, Total: len(names)}, err
}

func (a *api) operations(ctx context.Context, scope queryserver.Scope, p parameters) (any, error) {
	service, _, err := p.text("service")
	if err != nil {
		return nil, err
	}
	if service == "" {
		return nil, bad("service", "is required")
	}
	list, err := a.operationsOf(ctx, scope, service, p.query.Get("spanKind"))
	return structured{Data: list, Total: len(list)}, err
}

// dependency is Jaeger's ui.DependencyLink.
type dependency struct {
	Parent    string `json:"parent"`
	Child     string `json:"child"`
	CallCount uint64 `json:"callCount"`
}

// dependencies is who calls whom. In Jaeger a service does not depend on itself.
func (a *api) dependencies(ctx context.Context, scope queryserver.Scope, p parameters) (any, error) {
	in, err := p.dependencyRange()
	if err != nil {
		return nil, err
	}
	found, err := a.store.ServiceMap(ctx, scope, in)
	if err != nil {
		return nil, err
	}
	only, list := p.query.Get("service"), []dependency{}
	for _, edge := range found.Edges {
		if edge.Caller == edge.Callee || only != "" && only != edge.Caller && only != edge.Callee {
			continue
		}
		if last := len(list) - 1; last >= 0 && list[last].Parent == edge.Caller && list[last].Child == edge.Callee {
			list[last].CallCount += edge.Calls
			continue
		}
		list = append(list, dependency{edge.Caller, edge.Callee, edge.Calls})
	}
	return structured{Data: list}, nil
}

// dependencyRange is endTs and lookback, both in milliseconds.
func (p parameters) dependencyRange() (in queryserver.TimeRange, err error) {
	if in.To, err = p.time("endTs", time.Millisecond, time.Now().UTC().Truncate(time.Minute).Add(time.Minute)); err != nil {
		return in, err
	}
	epoch := time.Unix(0, 0)
	lookback, err := p.time("lookback", time.Millisecond, epoch.Add(defaultDependencies))
	in.From = in.To.Add(-lookback.Sub(epoch))
	if err != nil {
		return in, err
	}
	return checked(in, "lookback")
}
