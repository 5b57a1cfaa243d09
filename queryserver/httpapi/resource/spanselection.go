package resource

import (
	"time"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// SpanSelection chooses spans; all that is given must hold for one span.
type SpanSelection struct {
	Within
	Service     string `query:"service" maxLength:"1024" doc:"The service of the span"`
	Operation   string `query:"operation" maxLength:"1024" doc:"The name of the span"`
	Kind        string `query:"kind" enum:"UNSPECIFIED,INTERNAL,SERVER,CLIENT,PRODUCER,CONSUMER"`
	Status      string `query:"status" enum:"UNSET,OK,ERROR"`
	MinDuration string `query:"minDuration" maxLength:"32" doc:"Of the span, included, such as 250ms or 1.5s"`
	MaxDuration string `query:"maxDuration" maxLength:"32" doc:"Of the span, included"`
	Roots       bool   `query:"roots" doc:"Only spans without a parent"`
	Attributes  string `query:"attributes" maxLength:"2048" doc:"key=value of the span or its resource, several by commas; values with commas go into q" example:"http.request.method=GET"`
	Q           string `query:"q" maxLength:"4096" doc:"The search language; names that are no fields are keys of attributes"`
}

// filter is what the selection says.
func (s SpanSelection) filter(parse ParseSearch) (queryserver.SpanFilter, error) {
	filter := queryserver.SpanFilter{
		Service: s.Service, Operation: s.Operation, Kind: queryserver.SpanKind(s.Kind), Status: queryserver.SpanStatus(s.Status), Roots: s.Roots,
	}
	var err error
	if filter.In, err = s.timeRange(); err != nil {
		return filter, err
	}
	if filter.MinDuration, err = length("query.minDuration", s.MinDuration); err != nil {
		return filter, err
	}
	if filter.MaxDuration, err = length("query.maxDuration", s.MaxDuration); err != nil {
		return filter, err
	}
	if filter.MaxDuration > 0 && filter.MaxDuration < filter.MinDuration {
		return filter, invalid("query.maxDuration", "must not be less than minDuration")
	}
	if filter.Where, err = parse(s.Q, "query.q"); err != nil {
		return filter, err
	}
	filter.Where, err = withAttributes(filter.Where, s.Attributes)
	return filter, err
}

// length reads a duration, which is positive; an empty text is none.
func length(location, text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, invalid(location, "must be a positive duration such as 250ms, 1.5s or 5m")
	}
	return d, nil
}
