package resource

import (
	"context"
	"strings"
	"time"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// maxGroupBy bounds what one answer is grouped by; more is no table to read.
const maxGroupBy = 5

type statisticsInput struct {
	SpanSelection
	GroupBy string `query:"groupBy" maxLength:"1024" doc:"Up to 5 names with commas between them: service, operation, kind, status, or keys of attributes"`
	Step    string `query:"step" maxLength:"32" doc:"The length of a bucket, such as 1m; without it the time range is one. The time range is widened to whole steps"`
	Groups  int    `query:"groups" minimum:"1" maximum:"100" default:"20" doc:"How many groups at most: those with most spans"`
}

type statisticsOutput struct {
	Cached
	Body struct {
		GroupBy []string  `json:"groupBy" nullable:"false"`
		From    time.Time `json:"from"`
		To      time.Time `json:"to"`
		queryserver.SpanStatistics
	}
}

func (t *traces) statistics(ctx context.Context, call queryserver.Call, input *statisticsInput) (*statisticsOutput, error) {
	query, err := input.query(t.parse)
	if err != nil {
		return nil, err
	}
	ctx, trail := queryserver.WithTrail(ctx)
	found, err := t.store.SpanStatistics(ctx, call.Scope, query)
	if err != nil {
		return nil, err
	}
	output := &statisticsOutput{Cached: cachedBy(trail)}
	output.Body.GroupBy, output.Body.From, output.Body.To, output.Body.SpanStatistics = query.GroupBy, query.In.From, query.In.To, found
	return output, nil
}

func (i statisticsInput) query(parse ParseSearch) (queryserver.SpanStatisticsQuery, error) {
	filter, err := i.filter(parse)
	if err != nil {
		return queryserver.SpanStatisticsQuery{}, err
	}
	query := queryserver.SpanStatisticsQuery{SpanFilter: filter, GroupBy: []string{}, Limit: i.Groups}
	if i.GroupBy != "" {
		query.GroupBy = strings.Split(i.GroupBy, ",")
	}
	if len(query.GroupBy) > maxGroupBy {
		return query, invalid("query.groupBy", "must be at most %d names", maxGroupBy)
	}
	if i.Step == "" {
		return query, nil
	}
	if query.Step, err = stepOf(i.Step, query.In); err == nil {
		query.In = wholeSteps(query.In, query.Step)
	}
	return query, err
}

// maxOperations of a service in one answer. A service with more has ids in the names of its
// spans.
const maxOperations = 1000

type operationsInput struct {
	Within
	Service string `query:"service" required:"true" minLength:"1" maxLength:"1024"`
	Kind    string `query:"kind" enum:"UNSPECIFIED,INTERNAL,SERVER,CLIENT,PRODUCER,CONSUMER"`
}

// OperationStatistics is an operation of a service in a time range.
type OperationStatistics struct {
	Name string               `json:"name"`
	Kind queryserver.SpanKind `json:"kind"`
	queryserver.SpanStatistic
}

type operationsOutput struct {
	Cached
	Body struct {
		Items     []OperationStatistics `json:"items" nullable:"false"`
		Truncated bool                  `json:"truncated" doc:"There are more operations"`
	}
}

func (t *traces) operations(ctx context.Context, call queryserver.Call, input *operationsInput) (*operationsOutput, error) {
	in, err := input.timeRange()
	if err != nil {
		return nil, err
	}
	ctx, trail := queryserver.WithTrail(ctx)
	found, err := t.store.SpanStatistics(ctx, call.Scope, queryserver.SpanStatisticsQuery{
		SpanFilter: queryserver.SpanFilter{In: in, Service: input.Service, Kind: queryserver.SpanKind(input.Kind)},
		GroupBy:    []string{"operation", "kind"}, Limit: maxOperations,
	})
	if err != nil {
		return nil, err
	}
	output := &operationsOutput{Cached: cachedBy(trail)}
	output.Body.Items, output.Body.Truncated = []OperationStatistics{}, found.Truncated
	for _, group := range found.Groups {
		output.Body.Items = append(output.Body.Items, OperationStatistics{Name: group.Values[0], Kind: queryserver.SpanKind(group.Values[1]), SpanStatistic: group.Points[0]})
	}
	return output, nil
}

type serviceMapInput struct{ Within }

type serviceMapOutput struct {
	Cached
	Body queryserver.ServiceMap
}

func (t *traces) serviceMap(ctx context.Context, call queryserver.Call, input *serviceMapInput) (*serviceMapOutput, error) {
	in, err := input.timeRange()
	if err != nil {
		return nil, err
	}
	ctx, trail := queryserver.WithTrail(ctx)
	found, err := t.store.ServiceMap(ctx, call.Scope, in)
	if err != nil {
		return nil, err
	}
	return &serviceMapOutput{cachedBy(trail), found}, nil
}
