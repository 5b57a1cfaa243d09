package resource

import (
	"context"
	"strings"
	"time"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

const (
	// maxSteps of a histogram: more than a screen has columns of.
	maxSteps = 1000
	// chosenSteps is how many a histogram has at most when nobody chooses.
	chosenSteps = 100
	// maxGroupFields are grouped by at once.
	maxGroupFields = 3
)

// niceSteps are those that people read, the shortest first.
var niceSteps = []time.Duration{ //nolint:gochecknoglobals // a constant
	time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute,
	time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour,
}

type queryLogsInput struct {
	LogFilter
	Aggregate string `query:"aggregate" enum:"histogram,count" default:"histogram" doc:"histogram: by step, and by the values of a field; count: by the values of fields"`
	By        string `query:"by" maxLength:"512" default:"level" doc:"The field, or of count up to three by commas"`
	Step      string `query:"step" maxLength:"16" doc:"Of a histogram, such as 30s or 5m; at least a second, at most 1000 steps. Default: one that gives up to 100" example:"1m"`
	Limit     int    `query:"limit" minimum:"1" maximum:"1000" default:"10" doc:"The most frequent values, of a histogram at most 50"`
}

type queryLogsOutput struct {
	Cached
	Body LogAggregate
}

// LogAggregate is the answer to a question of either kind.
type LogAggregate struct {
	From    time.Time               `json:"from" doc:"The range in whole steps"`
	To      time.Time               `json:"to"`
	Step    string                  `json:"step,omitempty" doc:"Of a histogram"`
	Buckets []queryserver.LogBucket `json:"buckets,omitempty" doc:"Of a histogram: every step, in order"`
	Groups  []queryserver.LogGroup  `json:"groups,omitempty" doc:"Of count: the most frequent first"`
	Total   uint64                  `json:"total" doc:"Records in all"`
}

func (l *logResource) query(ctx context.Context, call queryserver.Call, input *queryLogsInput) (*queryLogsOutput, error) {
	in, search, err := l.question(input.LogFilter)
	if err != nil {
		return nil, err
	}
	ctx, trail := queryserver.WithTrail(ctx)
	output := &queryLogsOutput{}
	if input.Aggregate == "count" {
		output.Body, err = l.count(ctx, call.Scope, in, search, input)
	} else {
		output.Body, err = l.histogram(ctx, call.Scope, in, search, input)
	}
	output.Cached = cachedBy(trail)
	return output, err
}

// maxHistogramValues bounds the groups of each step.
const maxHistogramValues = 50

func (l *logResource) histogram(ctx context.Context, scope queryserver.Scope, in queryserver.TimeRange, search queryserver.Search, input *queryLogsInput) (LogAggregate, error) {
	if input.Limit > maxHistogramValues {
		return LogAggregate{}, invalid("query.limit", "must be at most %d for a histogram", maxHistogramValues)
	}
	step, err := stepOf(input.Step, in)
	if err != nil {
		return LogAggregate{}, err
	}
	q := queryserver.LogSeries{In: wholeSteps(in, step), Search: search, Step: step, By: input.By, Limit: input.Limit}
	if q.By == "severity" {
		q.By = "level"
	}
	buckets, err := l.store.LogHistogram(ctx, scope, q)
	answer := LogAggregate{From: q.In.From, To: q.In.To, Step: step.String(), Buckets: buckets}
	for _, bucket := range buckets {
		answer.Total += bucket.Total
	}
	return answer, err
}

func (l *logResource) count(ctx context.Context, scope queryserver.Scope, in queryserver.TimeRange, search queryserver.Search, input *queryLogsInput) (LogAggregate, error) {
	if input.Step != "" {
		return LogAggregate{}, invalid("query.step", "is for a histogram")
	}
	by := strings.Split(input.By, ",")
	if len(by) > maxGroupFields {
		return LogAggregate{}, invalid("query.by", "must be at most %d fields", maxGroupFields)
	}
	list, err := l.store.LogGroups(ctx, scope, queryserver.LogGroups{In: in, Search: search, By: by, Limit: input.Limit})
	return LogAggregate{From: in.From, To: in.To, Groups: list.Items, Total: list.Total}, err
}

// stepOf reads a step, or chooses one.
func stepOf(text string, in queryserver.TimeRange) (time.Duration, error) {
	long := in.To.Sub(in.From)
	if text == "" {
		for _, step := range niceSteps {
			if long <= chosenSteps*step {
				return step, nil
			}
		}
		return niceSteps[len(niceSteps)-1], nil
	}
	step, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return 0, invalid("query.step", "must be a duration such as 30s, 5m or 1h")
	case step < time.Second || step%time.Second != 0:
		return 0, invalid("query.step", "must be whole seconds")
	case long > maxSteps*step:
		return 0, invalid("query.step", "must be at least %s for this time range", (long/maxSteps + time.Second).Truncate(time.Second))
	}
	return step, nil
}

// wholeSteps widens a range to steps that lie the same for all ranges.
func wholeSteps(in queryserver.TimeRange, step time.Duration) queryserver.TimeRange {
	whole := queryserver.TimeRange{From: in.From.Truncate(step), To: in.To.Truncate(step)}
	if whole.To.Before(in.To) {
		whole.To = whole.To.Add(step)
	}
	return whole
}
