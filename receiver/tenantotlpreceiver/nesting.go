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
// OTLP 0.15 and that pdata still migrates.
const deprecatedScope = 1000

// child says which fields of a message lead to an AnyValue.
func child(parent message, field protowire.Number) message {
	switch parent {
	case tracesRequest:
		return at(field, 1, resourceSpans)
	case metricsRequest:
		return at(field, 1, resourceMetrics)
	case logsRequest:
		return at(field, 1, resourceLogs)
	case resourceSpans:
		return resourceChild(field, scopeSpans)
	case resourceMetrics:
		return resourceChild(field, scopeMetrics)
	case resourceLogs:
		return resourceChild(field, scopeLogs)
	case scopeSpans:
		return scopeChild(field, span)
	case scopeMetrics:
		return scopeChild(field, oneMetric)
	case scopeLogs:
		return scopeChild(field, logRecord)
	case resource, keyValueList:
		return at(field, 1, keyValue)
	case scope, spanEvent:
		return at(field, 3, keyValue)
	case spanLink:
		return at(field, 4, keyValue)
	case span:
		return spanChild(field)
	case logRecord:
		return max(at(field, 5, anyValue), at(field, 6, keyValue))
	case keyValue:
		return at(field, 2, anyValue)
	case anyValue:
		return max(at(field, 5, arrayValue), at(field, 6, keyValueList))
	case arrayValue:
		return at(field, 1, anyValue)
	default:
		return metricChild(parent, field)
	}
}

func metricChild(parent message, field protowire.Number) message {
	switch parent {
	case oneMetric:
		switch field {
		case 5, 7:
			return gaugeOrSum
		case 9:
			return histogram
		case 10:
			return exponentialHistogram
		case 11:
			return summary
		case 12:
			return keyValue
		}
	case gaugeOrSum:
		return at(field, 1, numberPoint)
	case histogram:
		return at(field, 1, histogramPoint)
	case exponentialHistogram:
		return at(field, 1, exponentialPoint)
	case summary:
		return at(field, 1, summaryPoint)
	case numberPoint:
		return max(at(field, 7, keyValue), at(field, 5, exemplar))
	case histogramPoint:
		return max(at(field, 9, keyValue), at(field, 8, exemplar))
	case exponentialPoint:
		return max(at(field, 1, keyValue), at(field, 11, exemplar))
	case summaryPoint, exemplar:
		return at(field, 7, keyValue)
	}
	return leaf
}

func resourceChild(field protowire.Number, scoped message) message {
	switch field {
	case 1:
		return resource
	case 2, deprecatedScope:
		return scoped
	}
	return leaf
}

func scopeChild(field protowire.Number, item message) message {
	return max(at(field, 1, scope), at(field, 2, item))
}

func spanChild(field protowire.Number) message {
	switch field {
	case 9:
		return keyValue
	case 11:
		return spanEvent
	case 13:
		return spanLink
	}
	return leaf
}

func at(field, wanted protowire.Number, found message) message {
	if field == wanted {
		return found
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
