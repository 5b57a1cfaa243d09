package resource

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

type metricQueryInput struct {
	MetricSelection
	Aggregation string  `query:"aggregation" enum:"avg,sum,min,max,count,last,rate,increase,quantile" default:"avg"`
	Quantile    float64 `query:"quantile" minimum:"0" maximum:"1" default:"0.95" doc:"Of the aggregation quantile"`
	GroupBy     []word  `query:"groupBy" maxItems:"10" doc:"Labels; the metric always is one"`
	Step        int64   `query:"step" minimum:"0" maximum:"34560000" doc:"Seconds of a bucket. 0: chosen for the range"`
	Instant     bool    `query:"instant" doc:"One bucket of the whole range"`
	Limit       int     `query:"limit" minimum:"1" maximum:"500" default:"100" doc:"Of series"`
}

type metricQueryOutput struct {
	Cached
	Body queryserver.MetricResult
}

func (m *metrics) query(ctx context.Context, call queryserver.Call, input *metricQueryInput) (*metricQueryOutput, error) {
	selector, err := input.selector()
	if err != nil {
		return nil, err
	}
	return m.answer(ctx, call, "query.", input.GroupBy, queryserver.MetricQuery{
		MetricSelector: selector, Aggregation: queryserver.Aggregation(input.Aggregation), Quantile: input.Quantile,
		Step: time.Duration(input.Step) * time.Second, Instant: input.Instant, Limit: input.Limit,
	})
}

type postMetricQueryInput struct {
	Body struct {
		From        *time.Time  `json:"from,omitempty" doc:"Default: an hour before to"`
		To          *time.Time  `json:"to,omitempty" doc:"Not included; default: now"`
		Metrics     []word      `json:"metrics,omitempty" maxItems:"20" doc:"Any of these metrics"`
		Services    []word      `json:"services,omitempty" maxItems:"20" doc:"Any of these services"`
		Match       []matchBody `json:"match,omitempty" maxItems:"20" doc:"Conditions, all of which must hold"`
		Aggregation string      `json:"aggregation" enum:"avg,sum,min,max,count,last,rate,increase,quantile"`
		Quantile    float64     `json:"quantile,omitempty" minimum:"0" maximum:"1" default:"0.95" doc:"Of the aggregation quantile"`
		GroupBy     []word      `json:"groupBy,omitempty" maxItems:"10" doc:"Labels; the metric always is one"`
		StepSeconds int64       `json:"stepSeconds,omitempty" minimum:"0" maximum:"34560000" doc:"Of a bucket. 0: chosen for the range"`
		Instant     bool        `json:"instant,omitempty" doc:"One bucket of the whole range"`
		Limit       int         `json:"limit,omitempty" minimum:"1" maximum:"500" default:"100" doc:"Of series"`
	}
}

type matchBody struct {
	Label    string   `json:"label" maxLength:"200" doc:"service, environment, attributes.<key> or resource.<key>"`
	Operator string   `json:"operator" enum:"in,notIn,prefix,regex,notRegex"`
	Values   []phrase `json:"values" minItems:"1" maxItems:"100" nullable:"false"`
}

func (m *metrics) postQuery(ctx context.Context, call queryserver.Call, input *postMetricQueryInput) (*metricQueryOutput, error) {
	body := &input.Body
	var times Within
	if body.From != nil {
		times.From = *body.From
	}
	if body.To != nil {
		times.To = *body.To
	}
	in, err := times.timeRange()
	if err != nil {
		return nil, within("body.", "query.", err)
	}
	q := queryserver.MetricQuery{
		MetricSelector: queryserver.MetricSelector{In: in, Metrics: textsOf(body.Metrics), Services: textsOf(body.Services)},
		Aggregation:    queryserver.Aggregation(body.Aggregation), Quantile: body.Quantile,
		Step: time.Duration(body.StepSeconds) * time.Second, Instant: body.Instant, Limit: body.Limit,
	}
	for i, match := range body.Match {
		label, err := queryserver.ParseLabel(match.Label)
		if err != nil {
			return nil, refused(fmt.Sprintf("body.match[%d].label", i), err)
		}
		values := make([]string, len(match.Values))
		for j, value := range match.Values {
			values[j] = string(value)
		}
		q.Match = append(q.Match, queryserver.LabelMatch{Label: label, Operator: queryserver.MatchOperator(match.Operator), Values: values})
	}
	return m.answer(ctx, call, "body.", body.GroupBy, q)
}

// answer prepares a query and asks it. The prefix says where its fields are.
func (m *metrics) answer(ctx context.Context, call queryserver.Call, prefix string, groupBy []word, q queryserver.MetricQuery) (*metricQueryOutput, error) {
	for i, text := range groupBy {
		label, err := queryserver.ParseLabel(string(text))
		if err != nil {
			return nil, refused(fmt.Sprintf("%sgroupBy[%d]", prefix, i), err)
		}
		q.GroupBy = append(q.GroupBy, label)
	}
	q, err := q.Prepare()
	if err != nil {
		return nil, within(prefix, "", err)
	}
	ctx, trail := queryserver.WithTrail(ctx)
	result, err := m.store.QueryMetrics(ctx, call.Scope, q)
	return &metricQueryOutput{cachedBy(trail), result}, err
}

// within puts the fields of an error into a part of the request.
func within(part, instead string, err error) error {
	var known *queryserver.Error
	if !errors.As(err, &known) {
		return err
	}
	moved := *known
	moved.Fields = make([]queryserver.FieldError, len(known.Fields))
	for i, field := range known.Fields {
		moved.Fields[i] = queryserver.FieldError{Location: part + field.Location[len(instead):], Message: field.Message}
	}
	return &moved
}
