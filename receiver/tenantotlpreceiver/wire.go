package tenantotlpreceiver

import "google.golang.org/protobuf/encoding/protowire"

// message names a protobuf message that contains an AnyValue somewhere below, or
// that a few bytes repeat often.
type message uint8

const (
	leaf message = iota // neither
	tracesRequest
	metricsRequest
	logsRequest
	resourceSpans
	resourceMetrics
	resourceLogs
	scopeSpans
	scopeMetrics
	scopeLogs
	resource
	scope
	span
	spanEvent
	spanLink
	logRecord
	oneMetric
	gaugeOrSum
	histogram
	exponentialHistogram
	summary
	numberPoint
	histogramPoint
	exponentialPoint
	summaryPoint
	exemplar
	keyValue
	anyValue
	arrayValue
	keyValueList
	entityRef
	quantile
)

// deprecatedScope is the field that held instrumentation library data until
// OTLP 0.15 and that pdata still migrates: a second name of field 2.
const deprecatedScope = 1000

// children says which fields of a message lead to others, by field number.
var children = [...][16]message{
	tracesRequest:        {1: resourceSpans},
	metricsRequest:       {1: resourceMetrics},
	logsRequest:          {1: resourceLogs},
	resourceSpans:        {1: resource, 2: scopeSpans},
	resourceMetrics:      {1: resource, 2: scopeMetrics},
	resourceLogs:         {1: resource, 2: scopeLogs},
	scopeSpans:           {1: scope, 2: span},
	scopeMetrics:         {1: scope, 2: oneMetric},
	scopeLogs:            {1: scope, 2: logRecord},
	resource:             {1: keyValue, 3: entityRef},
	scope:                {3: keyValue},
	span:                 {9: keyValue, 11: spanEvent, 13: spanLink},
	spanEvent:            {3: keyValue},
	spanLink:             {4: keyValue},
	logRecord:            {5: anyValue, 6: keyValue},
	oneMetric:            {5: gaugeOrSum, 7: gaugeOrSum, 9: histogram, 10: exponentialHistogram, 11: summary, 12: keyValue},
	gaugeOrSum:           {1: numberPoint},
	histogram:            {1: histogramPoint},
	exponentialHistogram: {1: exponentialPoint},
	summary:              {1: summaryPoint},
	numberPoint:          {5: exemplar, 7: keyValue},
	histogramPoint:       {8: exemplar, 9: keyValue},
	exponentialPoint:     {1: keyValue, 11: exemplar},
	summaryPoint:         {6: quantile, 7: keyValue},
	exemplar:             {7: keyValue},
	keyValue:             {2: anyValue},
	anyValue:             {5: arrayValue, 6: keyValueList},
	arrayValue:           {1: anyValue},
	keyValueList:         {1: keyValue},
	quantile:             {},
}

func child(parent message, field protowire.Number) message {
	if field < 16 {
		return children[parent][field]
	}
	if field == deprecatedScope && parent >= resourceSpans && parent <= resourceLogs {
		return children[parent][2]
	}
	return leaf
}

// weights are what an empty message takes when pdata has decoded it, in bytes,
// with the pointer that leads to it: as measured, rounded up.
var weights = [...]int64{
	resourceSpans:        136,
	resourceMetrics:      136,
	resourceLogs:         136,
	scopeSpans:           120,
	scopeMetrics:         120,
	scopeLogs:            120,
	span:                 232,
	spanEvent:            72,
	spanLink:             88,
	logRecord:            136,
	oneMetric:            104,
	gaugeOrSum:           40,
	histogram:            40,
	exponentialHistogram: 40,
	summary:              40,
	numberPoint:          104,
	histogramPoint:       168,
	exponentialPoint:     216,
	summaryPoint:         104,
	exemplar:             80,
	keyValue:             40,
	anyValue:             16,
	arrayValue:           32,
	keyValueList:         32,
	entityRef:            88,
	quantile:             24,
}

// rows are what an empty item takes besides, in bytes, when the pipeline ends in
// columns: as measured in tenant_clickhouse.
var rows = [len(weights)]int64{
	span:             283,
	spanEvent:        29,
	logRecord:        168,
	numberPoint:      97,
	histogramPoint:   189,
	exponentialPoint: 189,
	summaryPoint:     189,
	exemplar:         121,
}
