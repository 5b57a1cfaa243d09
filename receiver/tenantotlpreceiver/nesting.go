package tenantotlpreceiver

import (
	"bytes"
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// The protobuf decoder of pdata recurses once per nested array or map and has no
// bound of its own, so that a few megabytes of nested arrays would overflow the
// stack, which ends the process. The depth is therefore checked on the wire.
// The walk refuses everything it does not understand: it may be stricter than
// the decoder, never blind to what the decoder follows.

var errMalformedWire = errors.New("invalid wire format")

// message names a protobuf message that contains an AnyValue somewhere below.
type message uint8

const (
	leaf message = iota // holds no AnyValue
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
)

// deprecatedScope is the field that held instrumentation library data until
// OTLP 0.15 and that pdata still migrates: a second name of field 2.
const deprecatedScope = 1000

// children says which fields of a message lead to an AnyValue, by field number.
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
	resource:             {1: keyValue},
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
	summaryPoint:         {7: keyValue},
	exemplar:             {7: keyValue},
	keyValue:             {2: anyValue},
	anyValue:             {5: arrayValue, 6: keyValueList},
	arrayValue:           {1: anyValue},
	keyValueList:         {1: keyValue},
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

// checkNesting refuses a body whose values nest deeper than limit.
func checkNesting(enc encoding, schema message, body []byte, limit int) error {
	if enc == encodingJSON {
		return checkBrackets(body, bracketLimit(limit))
	}
	return walk(body, schema, limit)
}

// walk visits the messages on the way to values. depth is what is left of the
// limit; it also bounds the recursion of walk.
func walk(body []byte, m message, depth int) error {
	if m == arrayValue || m == keyValueList {
		if depth--; depth < 0 {
			return errors.New("attribute values are nested too deeply")
		}
	}
	for len(body) > 0 {
		// Nearly every field has one byte of tag and one of length.
		if len(body) >= 2 && body[0] < 0x80 && body[0]&7 == byte(protowire.BytesType) && body[0] >= 8 &&
			body[1] < 0x80 && len(body) >= 2+int(body[1]) {
			value := body[2 : 2+int(body[1])]
			if next := children[m][body[0]>>3]; next != leaf {
				if err := walk(value, next, depth); err != nil {
					return err
				}
			}
			body = body[2+int(body[1]):]
			continue
		}
		field, kind, n := protowire.ConsumeTag(body)
		if n < 0 {
			return errMalformedWire
		}
		body = body[n:]
		if kind != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(field, kind, body); n < 0 {
				return errMalformedWire
			}
			body = body[n:]
			continue
		}
		value, n := protowire.ConsumeBytes(body)
		if n < 0 {
			return errMalformedWire
		}
		body = body[n:]
		if next := child(m, field); next != leaf {
			if err := walk(value, next, depth); err != nil {
				return err
			}
		}
	}
	return nil
}

// bracketLimit is how many brackets may be open in JSON: a nested map opens
// five of them ({"kvlistValue":{"values":[{"value":), and the messages around
// a value fewer than thirty.
func bracketLimit(depth int) int { return 5*depth + 30 }

// checkBrackets counts open brackets outside of strings.
func checkBrackets(body []byte, limit int) error {
	open := 0
	for i := 0; i < len(body); i++ {
		switch body[i] {
		case '{', '[':
			if open++; open > limit {
				return fmt.Errorf("more than %d nested objects and arrays", limit)
			}
		case '}', ']':
			open--
		case '"':
			length := stringLength(body[i+1:])
			if length < 0 {
				return nil // unterminated: the decoder says where
			}
			i += length
		}
	}
	return nil
}

// stringLength is the distance from behind an opening quote to behind the
// closing one, or -1.
func stringLength(text []byte) int {
	for from := 0; ; {
		quote := bytes.IndexByte(text[from:], '"')
		if quote < 0 {
			return -1
		}
		quote += from
		slashes := 0
		for slashes < quote && text[quote-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return quote + 1
		}
		from = quote + 1
	}
}
