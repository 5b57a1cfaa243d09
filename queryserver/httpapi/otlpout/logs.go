package otlpout

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"go.opentelemetry.io/collector/pdata/plog"
	logsv1 "go.opentelemetry.io/proto/otlp/logs/v1"
	"google.golang.org/protobuf/proto"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// Logs writes one ExportLogsServiceRequest in pieces. End it.
type Logs struct {
	document
	json bool
}

// NewLogs writes protobuf, or OTLP/JSON.
func NewLogs(to io.Writer, asJSON bool) *Logs {
	return &Logs{document{to: to, head: `{"resourceLogs":[`}, asJSON}
}

// Write adds records.
func (l *Logs) Write(records []queryserver.LogRecord) error {
	message, err := logsOf(records)
	if err != nil {
		return err
	}
	wire, err := proto.Marshal(message)
	if err != nil {
		return fmt.Errorf("write log records: %w", err)
	}
	if !l.json {
		_, err := l.to.Write(wire)
		return err
	}
	// pdata writes JSON as OTLP wants it: ids in hex and enums as numbers.
	ld, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(wire)
	if err != nil {
		return fmt.Errorf("read log records: %w", err)
	}
	text, err := (&plog.JSONMarshaler{}).MarshalLogs(ld)
	if err != nil {
		return fmt.Errorf("write log records as JSON: %w", err)
	}
	return l.add(text)
}

// End closes the document.
func (l *Logs) End() error {
	if !l.json {
		return nil
	}
	return l.end()
}

// document joins documents of one list into one.
type document struct {
	to    io.Writer
	head  string
	begun bool
}

const tail = "]}"

var errForm = errors.New("a document has not the form that is joined")

func (d *document) add(text []byte) error {
	list, found := bytes.CutPrefix(text, []byte(d.head))
	list, ended := bytes.CutSuffix(list, []byte(tail))
	if !found || !ended {
		return errForm
	}
	before := ","
	if !d.begun {
		before = d.head
	}
	d.begun = true
	_, err := d.to.Write(append([]byte(before), list...))
	return err
}

func (d *document) end() error {
	text := tail
	if !d.begun {
		text = d.head + tail
	}
	_, err := io.WriteString(d.to, text)
	return err
}

// source is what records have in common, as text.
type source struct{ resource, scope string }

// logsOf groups records of equal resource and scope, in the order of their first.
func logsOf(records []queryserver.LogRecord) (*logsv1.LogsData, error) {
	message := &logsv1.LogsData{}
	resources, scopes := make(map[string]*logsv1.ResourceLogs), make(map[source]*logsv1.ScopeLogs)
	for i := range records {
		r := &records[i]
		from, err := sourceOf(r)
		if err != nil {
			return nil, err
		}
		if resources[from.resource] == nil {
			made := &logsv1.ResourceLogs{SchemaUrl: r.Resource.SchemaURL}
			if made.Resource, err = resource(r.Resource); err != nil {
				return nil, err
			}
			resources[from.resource], message.ResourceLogs = made, append(message.ResourceLogs, made)
		}
		if scopes[from] == nil {
			made := &logsv1.ScopeLogs{SchemaUrl: r.Scope.SchemaURL}
			if made.Scope, err = scope(r.Scope); err != nil {
				return nil, err
			}
			in := resources[from.resource]
			scopes[from], in.ScopeLogs = made, append(in.ScopeLogs, made)
		}
		one, err := logRecord(r)
		if err != nil {
			return nil, err
		}
		scopes[from].LogRecords = append(scopes[from].LogRecords, one)
	}
	return message, nil
}

func sourceOf(r *queryserver.LogRecord) (source, error) {
	of, err := json.Marshal(r.Resource)
	if err != nil {
		return source{}, fmt.Errorf("compare resources: %w", err)
	}
	in, err := json.Marshal(r.Scope)
	if err != nil {
		return source{}, fmt.Errorf("compare scopes: %w", err)
	}
	return source{string(of), string(in)}, nil
}

func logRecord(r *queryserver.LogRecord) (*logsv1.LogRecord, error) {
	var faults [4]error
	to := &logsv1.LogRecord{
		TimeUnixNano: nanos(r.Time), ObservedTimeUnixNano: nanos(r.ObservedTimestamp),
		SeverityNumber: logsv1.SeverityNumber(r.SeverityNumber), SeverityText: r.SeverityText,
		DroppedAttributesCount: r.DroppedAttributesCount, Flags: r.Flags, EventName: r.EventName,
	}
	to.Body, faults[0] = value(r.Body)
	to.Attributes, faults[1] = attributes(r.Attributes)
	to.TraceId, faults[2] = id(r.TraceID)
	to.SpanId, faults[3] = id(r.SpanID)
	return to, errors.Join(faults[:]...)
}
