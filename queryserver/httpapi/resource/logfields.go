package resource

import (
	"context"
	"strconv"
	"time"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

type logFieldsInput struct{ LogFilter }

type logFieldsOutput struct {
	Cached
	Body queryserver.LogFieldList
}

func (l *logResource) fields(ctx context.Context, call queryserver.Call, input *logFieldsInput) (*logFieldsOutput, error) {
	in, search, err := l.question(input.LogFilter)
	if err != nil {
		return nil, err
	}
	ctx, trail := queryserver.WithTrail(ctx)
	list, err := l.store.LogFields(ctx, call.Scope, in, search)
	return &logFieldsOutput{cachedBy(trail), list}, err
}

type logValuesInput struct {
	LogFilter
	Field  string `query:"field" required:"true" minLength:"1" maxLength:"256" doc:"As the search language knows it"`
	Prefix string `query:"prefix" maxLength:"256" doc:"Of the values"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"50"`
}

// LogValue is a value of a field.
type LogValue struct {
	Value string `json:"value" doc:"Empty for records without the field"`
	Count uint64 `json:"count" doc:"Records that have it"`
}

type logValuesOutput struct {
	Cached
	Body struct {
		Items []LogValue `json:"items" nullable:"false"`
		Total uint64     `json:"total" doc:"Records, of these values and of others"`
	}
}

func (l *logResource) values(ctx context.Context, call queryserver.Call, input *logValuesInput) (*logValuesOutput, error) {
	in, search, err := l.question(input.LogFilter)
	if err != nil {
		return nil, err
	}
	ctx, trail := queryserver.WithTrail(ctx)
	list, err := l.store.LogGroups(ctx, call.Scope, queryserver.LogGroups{In: in, Search: search, By: []string{input.Field}, Prefix: input.Prefix, Limit: input.Limit})
	if err != nil {
		return nil, err
	}
	output := &logValuesOutput{Cached: cachedBy(trail)}
	output.Body.Items, output.Body.Total = make([]LogValue, len(list.Items)), list.Total
	for i, group := range list.Items {
		output.Body.Items[i] = LogValue{group.Values[0], group.Count}
	}
	return output, nil
}

type logContextInput struct {
	Timestamp time.Time `query:"timestamp" required:"true" doc:"That of the record, RFC 3339 with nanoseconds"`
	IngestID  string    `query:"ingestId" required:"true" maxLength:"20" pattern:"^[0-9]+$" doc:"That of the record"`
	Before    int       `query:"before" minimum:"0" maximum:"200" default:"10"`
	After     int       `query:"after" minimum:"0" maximum:"200" default:"10"`
	Services  string    `query:"services" enum:"same,all" default:"same" doc:"Whose records are shown: of the record's service, or of all"`
}

type logContextOutput struct{ Body queryserver.LogSurroundings }

func (l *logResource) context(ctx context.Context, call queryserver.Call, input *logContextInput) (*logContextOutput, error) {
	id, err := strconv.ParseUint(input.IngestID, 10, 64)
	if err != nil {
		return nil, invalid("query.ingestId", "must be that of a record")
	}
	around, err := l.store.LogContext(ctx, call.Scope, queryserver.LogNeighbours{
		At:     queryserver.LogPosition{Timestamp: input.Timestamp, IngestID: id},
		Before: input.Before, After: input.After, AllServices: input.Services == "all",
	})
	return &logContextOutput{around}, err
}
