package tenantotlpreceiver

import (
	"bytes"
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// The decoders of pdata recurse once per nested array or map and have no bound
// of their own, so that a few megabytes of nested arrays would overflow the
// stack, which ends the process; and two bytes of protobuf make a span of 232, and
// a row of 283, so that a small compressed body could take all memory. Both are therefore bounded
// before decoding, on the wire. The check refuses everything it does not
// understand: it may be stricter than the decoder, never blind to what the
// decoder follows.

const (
	// maxGrowth is how many times the largest body a request may take as it is
	// decoded and stored: more than a body of attributes with one letter and one
	// digit does.
	maxGrowth = 8
	// objectWeight is what an object of JSON counts, in bytes: an attribute, the
	// densest that telemetry has, is two in 36 bytes or more.
	objectWeight = 144
)

var (
	errMalformedWire = errors.New("invalid wire format")
	errGrowth        = errors.New("the request holds more spans, data points, log records, attributes or values than fit into memory: send smaller requests")
)

// shape bounds a request: how deep values nest, and what it takes when decoded.
type shape struct {
	depth  int
	memory int64 // bytes, what is left
}

// check reads a body without decoding it.
func (s shape) check(enc encoding, schema message, body []byte) error {
	if enc == encodingJSON {
		return s.checkJSON(body)
	}
	return s.walk(body, schema, s.depth)
}

// walk visits the messages on the way to values. depth is what is left of the
// limit; it also bounds the recursion of walk.
func (s *shape) walk(body []byte, m message, depth int) error {
	if s.memory -= weights[m] + rows[m]; s.memory < 0 {
		return errGrowth
	}
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
				if err := s.walk(value, next, depth); err != nil {
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
			if err := s.walk(value, next, depth); err != nil {
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

// jsonSpace is what may stand between the tokens of JSON.
const jsonSpace = " \t\r\n"

// checkJSON reads the one object that a body must be, without what is in its
// strings. The decoder would take the first of several and drop the rest.
func (s *shape) checkJSON(body []byte) error {
	body = bytes.TrimLeft(body, jsonSpace)
	if len(body) == 0 || body[0] != '{' {
		return errors.New("it is not a JSON object")
	}
	open, limit := 0, bracketLimit(s.depth)
	for i := 0; i < len(body); i++ {
		switch body[i] {
		case '{', '[':
			if open++; open > limit {
				return fmt.Errorf("more than %d nested objects and arrays", limit)
			}
			if body[i] == '{' {
				s.memory -= objectWeight
			}
			if s.memory < 0 {
				return errGrowth
			}
		case '}', ']':
			if open--; open > 0 {
				continue
			}
			if len(bytes.TrimLeft(body[i+1:], jsonSpace)) > 0 {
				return errors.New("something follows the JSON object")
			}
			return nil
		case '"':
			length := stringLength(body[i+1:])
			if length < 0 {
				return nil // unterminated: the decoder says where
			}
			i += length
		}
	}
	return nil // unterminated as well
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
