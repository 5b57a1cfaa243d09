package tenantotlpreceiver

import (
	"bytes"
	"encoding/json"
	"mime"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// encoding is how a request, and so its answer, is written.
type encoding int

const (
	encodingProtobuf encoding = iota
	encodingJSON
)

type request interface {
	UnmarshalProto([]byte) error
	UnmarshalJSON([]byte) error
}

type response interface {
	MarshalProto() ([]byte, error)
	MarshalJSON() ([]byte, error)
}

// encodingOf reads a Content-Type header.
func encodingOf(contentType string) (encoding, bool) {
	switch contentType { // the forms that clients send, without parsing
	case "application/x-protobuf":
		return encodingProtobuf, true
	case "application/json":
		return encodingJSON, true
	}
	mediaType, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return encodingJSON, false
	}
	switch mediaType {
	case "application/x-protobuf":
		return encodingProtobuf, true
	case "application/json":
		return encodingJSON, true
	}
	return encodingJSON, false
}

func (e encoding) contentType() string {
	if e == encodingProtobuf {
		return "application/x-protobuf"
	}
	return "application/json"
}

// format is the encoding's name in metrics and messages.
func (e encoding) format() string {
	if e == encodingProtobuf {
		return "protobuf"
	}
	return "json"
}

func (e encoding) unmarshal(body []byte, into request) error {
	if e == encodingProtobuf {
		return into.UnmarshalProto(body)
	}
	return into.UnmarshalJSON(body)
}

func (e encoding) marshal(from response) ([]byte, error) {
	if e == encodingProtobuf {
		return from.MarshalProto()
	}
	return from.MarshalJSON()
}

// marshalStatus writes the body of a refusal.
func (e encoding) marshalStatus(s *spb.Status) ([]byte, error) {
	if e == encodingProtobuf {
		return proto.Marshal(s)
	}
	spaced, err := protojson.Marshal(s)
	if err != nil {
		return nil, err
	}
	// protojson varies its spaces from build to build; answers should not.
	var compact bytes.Buffer
	err = json.Compact(&compact, spaced)
	return compact.Bytes(), err
}
