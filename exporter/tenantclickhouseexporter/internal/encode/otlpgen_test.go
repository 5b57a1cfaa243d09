package encode_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// exempt are the fields of OTLP that are not stored, and why.
var exempt = map[protoreflect.FullName]string{
	"opentelemetry.proto.common.v1.AnyValue.string_value_strindex": "refers to the string table of profiles; other signals have none",
	"opentelemetry.proto.common.v1.KeyValue.key_strindex":          "refers to the string table of profiles; other signals have none",
}

// generator fills any OTLP message through its descriptor, so that a field which
// a later OTLP adds is generated, and missed in the rows, without a change here.
type generator struct {
	*rand.Rand
	start uint64
	ids   uint64
	set   map[protoreflect.FullName]bool // fields that once had more than their default
}

func newGenerator(seed uint64, start time.Time) *generator {
	return &generator{
		Rand:  rand.New(rand.NewPCG(seed, 0)),
		start: uint64(start.UnixNano()),
		set:   make(map[protoreflect.FullName]bool),
	}
}

// maxNesting is how deep values stand in values.
const maxNesting = 3

func (g *generator) fill(m protoreflect.Message, nesting int) {
	if m.Descriptor().Name() == "AnyValue" {
		nesting++
	}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if of := field.ContainingOneof(); of == nil || of.IsSynthetic() {
			g.fillField(m, field, nesting)
		}
	}
	oneofs := m.Descriptor().Oneofs()
	for i := range oneofs.Len() {
		choices := oneofs.Get(i).Fields()
		// One more than there are: none of them, which OTLP allows.
		if n := g.IntN(choices.Len() + 1); n < choices.Len() && !oneofs.Get(i).IsSynthetic() {
			g.fillField(m, choices.Get(n), nesting)
		}
	}
}

func (g *generator) fillField(m protoreflect.Message, field protoreflect.FieldDescriptor, nesting int) {
	if exempt[field.FullName()] != "" {
		return
	}
	isMessage := field.Kind() == protoreflect.MessageKind
	if isMessage && nesting > maxNesting {
		return
	}
	switch {
	case field.IsList():
		list := m.Mutable(field).List()
		for range g.IntN(4) {
			if isMessage {
				g.fill(list.AppendMutable().Message(), nesting)
			} else {
				list.Append(g.scalar(field))
			}
		}
	case isMessage:
		g.fill(m.Mutable(field).Message(), nesting)
	case field.HasOptionalKeyword() && g.IntN(3) == 0: // stays absent
	default:
		m.Set(field, g.scalar(field))
	}
	if m.Has(field) {
		g.set[field.FullName()] = true
	}
}

func (g *generator) scalar(field protoreflect.FieldDescriptor) protoreflect.Value {
	switch field.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(g.IntN(2) == 0)
	case protoreflect.EnumKind:
		known := field.Enum().Values().Len()
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(pick(g, g.IntN(known), known+7, math.MaxInt32, -1)))
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32(pick(g, 0, -5, math.MinInt32, math.MaxInt32, g.Int32()))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return protoreflect.ValueOfInt64(pick(g, 0, -1, 200, 1<<53+1, math.MinInt64, math.MaxInt64, g.Int64()))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(pick(g, 0, 1, 0x1ff, math.MaxUint32, g.Uint32()))
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		if strings.HasSuffix(string(field.Name()), "_unix_nano") {
			return protoreflect.ValueOfUint64(g.time(field))
		}
		return protoreflect.ValueOfUint64(pick(g, 0, 1, 1<<53+1, math.MaxUint64, g.Uint64()))
	case protoreflect.DoubleKind, protoreflect.FloatKind:
		return protoreflect.ValueOfFloat64(pick(g, 0, math.Copysign(0, -1), 200, 0.1, 1e21, -1e300, math.SmallestNonzeroFloat64,
			math.MaxFloat64, math.NaN(), math.Inf(1), math.Inf(-1), g.NormFloat64()))
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(g.text(field))
	default:
		return protoreflect.ValueOfBytes(g.bytes(field))
	}
}

// time is within two days of the start, and 0 or beyond what 63 bits hold at times.
// The times of data points are all different: with its series, a time is what
// exemplars know their data point by.
func (g *generator) time(field protoreflect.FieldDescriptor) uint64 {
	g.ids++
	unique := g.start + g.ids*uint64(time.Microsecond) - uint64(g.IntN(3)*24)*uint64(time.Hour)
	if field.Name() == "time_unix_nano" && strings.HasSuffix(string(field.Parent().Name()), "DataPoint") {
		return unique
	}
	return pick(g, unique, unique, unique, unique, 0, 1, math.MaxInt64, 1<<63, math.MaxUint64)
}

func (g *generator) text(field protoreflect.FieldDescriptor) string {
	if field.Name() == "key" { // few, so that they repeat
		return pick(g, "service.name", "http.request.method", "k", "", "Schlüssel \"q\"")
	}
	return pick(g, "", "true", "200", "GET", "shop", "naïve \U0001F9EA", "a\"b\\c\n\t\x00\x01\x7f\u2028", strings.Repeat("long ", 60),
		fmt.Sprintf("%s %d", field.Name(), g.IntN(1000)))
}

// bytes are ids of their length, or absent, and any bytes elsewhere.
func (g *generator) bytes(field protoreflect.FieldDescriptor) []byte {
	length := g.IntN(6)
	switch field.Name() {
	case "trace_id":
		length = pick(g, 0, 16, 16)
	case "span_id", "parent_span_id":
		length = pick(g, 0, 8, 8)
	}
	b := make([]byte, length)
	for i := range b {
		b[i] = byte(g.Uint32() % 4 * 85) // 0 among them
	}
	if length >= 8 {
		b[length-1] = 1 // all zero is no id
	}
	return b
}

func pick[T any](g *generator, choices ...T) T { return choices[g.IntN(len(choices))] }

// reachable adds the fields of a message and of the messages within it.
func reachable(m protoreflect.MessageDescriptor, fields map[protoreflect.FullName]bool) {
	for i := range m.Fields().Len() {
		field := m.Fields().Get(i)
		if fields[field.FullName()] {
			continue
		}
		fields[field.FullName()] = true
		if field.Kind() == protoreflect.MessageKind {
			reachable(field.Message(), fields)
		}
	}
}

// split makes one message per item: the containers along the path, with one
// element each.
func split(m protoreflect.Message, path ...protoreflect.Name) []proto.Message {
	if len(path) == 0 {
		return []proto.Message{m.Interface()}
	}
	field := m.Descriptor().Fields().ByName(path[0])
	if of := m.Descriptor().Oneofs().ByName(path[0]); of != nil {
		field = m.WhichOneof(of)
	}
	if field == nil || !m.Has(field) {
		return nil // a metric of no kind
	}
	inner := []protoreflect.Message{}
	if field.IsList() {
		for i := range m.Get(field).List().Len() {
			inner = append(inner, m.Get(field).List().Get(i).Message())
		}
	} else {
		inner = append(inner, m.Get(field).Message())
	}
	m.Clear(field)
	var items []proto.Message
	for _, element := range inner {
		for _, item := range split(element, path[1:]...) {
			container := proto.Clone(m.Interface()).ProtoReflect()
			one := protoreflect.ValueOfMessage(item.ProtoReflect())
			if field.IsList() {
				container.Mutable(field).List().Append(one)
			} else {
				container.Set(field, one)
			}
			items = append(items, container.Interface())
		}
	}
	return items
}
