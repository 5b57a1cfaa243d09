package clickhouse

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// filler fills OTLP messages through their descriptors, so that a field which a later OTLP
// adds is filled, and missed in what comes back, without a change here.
type filler struct {
	*rand.Rand
	times uint64
}

func pick[T any](f *filler, choices ...T) T { return choices[f.IntN(len(choices))] }

func (f *filler) fill(m protoreflect.Message, depth int) {
	if m.Descriptor().Name() == "AnyValue" {
		depth++
	}
	for i := range m.Descriptor().Fields().Len() {
		field := m.Descriptor().Fields().Get(i)
		message := field.Kind() == protoreflect.MessageKind
		switch oneof := field.ContainingOneof(); {
		case strings.HasSuffix(string(field.Name()), "strindex"), message && depth > 2, field.HasOptionalKeyword() && f.IntN(3) == 0:
		case oneof != nil && !oneof.IsSynthetic() && f.IntN(oneof.Fields().Len()) > 0:
		case field.IsList():
			list := m.Mutable(field).List()
			for range f.IntN(4) {
				if message {
					f.fill(list.AppendMutable().Message(), depth)
				} else {
					list.Append(f.scalar(field))
				}
			}
		case message:
			f.fill(m.Mutable(field).Message(), depth)
		default:
			m.Set(field, f.scalar(field))
		}
	}
}

func (f *filler) scalar(field protoreflect.FieldDescriptor) protoreflect.Value {
	switch field.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(f.IntN(2) == 0)
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(pick(f, 0, 1, 2, 9)))
	case protoreflect.Int32Kind, protoreflect.Sint32Kind:
		return protoreflect.ValueOfInt32(pick[int32](f, 0, -5, math.MinInt32, math.MaxInt32))
	case protoreflect.Int64Kind, protoreflect.Sfixed64Kind:
		return protoreflect.ValueOfInt64(pick[int64](f, 0, -1, 1<<53+1, math.MinInt64, math.MaxInt64))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(pick[uint32](f, 0, 1, math.MaxUint32))
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		if strings.HasSuffix(string(field.Name()), "_unix_nano") {
			f.times++ // all different: exemplars know their data point by series and time
			unique := uint64(noon.UnixNano()) + f.times*uint64(time.Microsecond)
			if field.Name() == "time_unix_nano" && strings.HasSuffix(string(field.Parent().Name()), "DataPoint") {
				return protoreflect.ValueOfUint64(unique)
			}
			return protoreflect.ValueOfUint64(pick(f, unique, 0, math.MaxUint64))
		}
		return protoreflect.ValueOfUint64(pick[uint64](f, 0, 1, 1<<53+1, math.MaxUint64))
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(pick(f, 0, math.Copysign(0, -1), 0.1, -1e300, math.SmallestNonzeroFloat64, math.NaN(), math.Inf(1), math.Inf(-1)))
	case protoreflect.StringKind:
		if field.Name() == "key" {
			return protoreflect.ValueOfString(pick(f, "service.name", "k", "", "Schlüssel \"q\""))
		}
		return protoreflect.ValueOfString(pick(f, "", "true", "200", "shop", "a\"b\\c'\n\t\x01", strconv.Itoa(f.IntN(100))))
	default:
		length := map[protoreflect.Name]int{"trace_id": pick(f, 0, 16), "span_id": pick(f, 0, 8)}[field.Name()]
		return protoreflect.ValueOfBytes([]byte(strings.Repeat("\x00", max(length-1, 0)) + strings.Repeat("\x01", min(length, 1))))
	}
}

// canonicalMetrics is the form in which what was sent and what comes back are equal: each data
// point alone in its containers and in no order, absent messages as empty ones, and the
// attributes that make a series, which have no order, sorted.
func canonicalMetrics(t *testing.T, data *metricsv1.MetricsData) []string {
	t.Helper()
	var all []string
	for _, one := range apart(data.ProtoReflect(), "resource_metrics", "scope_metrics", "metrics", "data", "data_points") {
		settle(one.ProtoReflect())
		all = append(all, prototext.MarshalOptions{Multiline: true}.Format(one))
	}
	slices.Sort(all)
	return all
}

func settle(m protoreflect.Message) {
	for i := range m.Descriptor().Fields().Len() {
		field := m.Descriptor().Fields().Get(i)
		if field.Kind() != protoreflect.MessageKind || field.ContainingOneof() != nil && !m.Has(field) {
			continue
		}
		if !field.IsList() {
			settle(m.Mutable(field).Message())
			continue
		}
		var items []protoreflect.Value
		list := m.Mutable(field).List()
		for j := range list.Len() {
			settle(list.Get(j).Message())
			items = append(items, list.Get(j))
		}
		if name := field.Name(); name == "attributes" || name == "metadata" {
			slices.SortStableFunc(items, func(a, b protoreflect.Value) int {
				return strings.Compare(prototext.Format(a.Message().Interface()), prototext.Format(b.Message().Interface()))
			})
			for j, item := range items {
				list.Set(j, item)
			}
		}
	}
}

// apart makes one message per element at the end of the path.
func apart(m protoreflect.Message, path ...protoreflect.Name) []proto.Message {
	if len(path) == 0 {
		return []proto.Message{proto.Clone(m.Interface())}
	}
	field := m.Descriptor().Fields().ByName(path[0])
	if oneof := m.Descriptor().Oneofs().ByName(path[0]); oneof != nil {
		field = m.WhichOneof(oneof)
	}
	if field == nil || !m.Has(field) {
		return nil // a metric of no kind
	}
	shell := proto.Clone(m.Interface()).ProtoReflect()
	shell.Clear(field)
	var found []proto.Message
	put := func(inner protoreflect.Message) {
		for _, one := range apart(inner, path[1:]...) {
			whole := proto.Clone(shell.Interface()).ProtoReflect()
			if field.IsList() {
				whole.Mutable(field).List().Append(protoreflect.ValueOfMessage(one.ProtoReflect()))
			} else {
				whole.Set(field, protoreflect.ValueOfMessage(one.ProtoReflect()))
			}
			found = append(found, whole.Interface())
		}
	}
	if !field.IsList() {
		put(m.Get(field).Message())
		return found
	}
	for i := range m.Get(field).List().Len() {
		put(m.Get(field).List().Get(i).Message())
	}
	return found
}

// sendMetrics stores a message of OTLP.
func (w *world) sendMetrics(t testing.TB, of tenant.Scope, data []byte) {
	t.Helper()
	md, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(data)
	require.NoError(t, err)
	w.Metrics(t, of, md)
}

// export gives all of a tenant as one message: the pieces one after the other.
func (w *world) export(t testing.TB, of queryserver.Scope, q queryserver.MetricSelector) *metricsv1.MetricsData {
	t.Helper()
	var text []byte
	if q.In.From.IsZero() {
		q.In = day
	}
	require.NoError(t, w.ExportMetrics(t.Context(), of, q, func(piece []byte) error {
		text = append(text, piece...)
		return nil
	}))
	data := &metricsv1.MetricsData{}
	require.NoError(t, proto.Unmarshal(text, data))
	return data
}

// What was sent comes back, all kinds with every field; and again after it was sent to
// another tenant.
func TestExportMetrics_RoundTrip(t *testing.T) {
	t.Parallel()
	w := setup(t)
	f := &filler{Rand: rand.New(rand.NewPCG(7, 0))}
	sent := &metricsv1.MetricsData{}
	for range 40 {
		message := &metricsv1.MetricsData{}
		f.fill(message.ProtoReflect(), 0)
		text, err := proto.Marshal(message)
		require.NoError(t, err)
		w.sendMetrics(t, w.Tenant, text)
		sent.ResourceMetrics = append(sent.ResourceMetrics, message.GetResourceMetrics()...)
	}
	want := canonicalMetrics(t, sent)
	require.Greater(t, len(want), 100)
	back := w.export(t, scope(w.Tenant), queryserver.MetricSelector{})
	require.Equal(t, want, canonicalMetrics(t, back))

	require.Empty(t, w.export(t, scope(w.Other), queryserver.MetricSelector{}).GetResourceMetrics())
	text, err := proto.Marshal(back)
	require.NoError(t, err)
	w.sendMetrics(t, w.Other, text)
	require.Equal(t, want, canonicalMetrics(t, w.export(t, scope(w.Other), queryserver.MetricSelector{})))
}

// Many points of one series and time come whole, whatever a page holds.
func TestExportMetrics_Pages(t *testing.T) {
	t.Parallel()
	w := setup(t)
	b := metricsOf("shop")
	points := b.metric("load").SetEmptyGauge().DataPoints()
	for i := range 2*exportRows + 10 {
		p := points.AppendEmpty()
		p.SetTimestamp(stampOf(noon.Add(time.Duration(i%3) * time.Second)))
		p.SetIntValue(int64(i))
		p.Exemplars().AppendEmpty().SetIntValue(int64(i))
		p.Exemplars().At(0).SetTimestamp(p.Timestamp())
	}
	w.Metrics(t, w.Tenant, b.Metrics)
	seen, exemplars, pieces := make(map[int64]bool), 0, 0
	require.NoError(t, w.ExportMetrics(t.Context(), scope(w.Tenant), queryserver.MetricSelector{In: day}, func(piece []byte) error {
		pieces++
		data := &metricsv1.MetricsData{}
		require.NoError(t, proto.Unmarshal(piece, data))
		for _, p := range data.GetResourceMetrics()[0].GetScopeMetrics()[0].GetMetrics()[0].GetGauge().GetDataPoints() {
			require.False(t, seen[p.GetAsInt()])
			seen[p.GetAsInt()] = true
			exemplars += len(p.GetExemplars())
		}
		return nil
	}))
	require.Len(t, seen, 2*exportRows+10)
	require.Equal(t, 2*exportRows+10, exemplars)
	require.Greater(t, pieces, 1)
}

// What roles may see of the data holds in exports.
func TestExportMetrics_Filter(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.Metrics(t, w.Tenant, metricsOf("shop").gauge("load", noon, 1, map[string]string{"zone": "a"}).gauge("load", noon, 2, map[string]string{"zone": "b"}).Metrics)
	w.Metrics(t, w.Tenant, metricsOf("cart").gauge("load", noon, 4, nil).Metrics)
	count := func(alternatives ...[]queryserver.Predicate) int {
		return len(canonicalMetrics(t, w.export(t, scope(w.Tenant, alternatives...), queryserver.MetricSelector{})))
	}
	require.Equal(t, 3, count())
	require.Equal(t, 2, count([]queryserver.Predicate{{Dimension: "service", Values: []string{"shop"}}}))
	require.Equal(t, 1, count([]queryserver.Predicate{{Dimension: "zone", Values: []string{"b"}}}))
}
