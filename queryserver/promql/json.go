package promql

import (
	"encoding/json"
	"math"
	"strconv"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// numberText is a number as Prometheus writes it: a string, which may be NaN or +Inf.
type numberText float64

// MarshalJSON is that of json.Marshaler.
func (n numberText) MarshalJSON() ([]byte, error) { return appendNumber(nil, float64(n)), nil }

// secondsText is milliseconds as seconds.
type secondsText int64

// MarshalJSON is that of json.Marshaler.
func (t secondsText) MarshalJSON() ([]byte, error) { return appendSeconds(nil, int64(t)), nil }

// resultJSON is the data of query and query_range.
func resultJSON(value parser.Value) string {
	text := append([]byte(nil), `{"resultType":"`...)
	text = append(append(text, value.Type()...), `","result":`...)
	switch value := value.(type) {
	case promql.Scalar:
		text = appendPoint(text, value.T, value.V)
	case promql.String:
		text = append(appendSeconds(append(text, '['), value.T), ',')
		text = append(appendText(text, value.V), ']')
	case promql.Vector:
		text = appendList(text, len(value), func(text []byte, i int) []byte {
			text = appendLabels(append(text, `{"metric":`...), value[i].Metric)
			if h := value[i].H; h != nil {
				return append(appendHistogramPoint(append(text, `,"histogram":`...), value[i].T, h), '}')
			}
			return append(appendPoint(append(text, `,"value":`...), value[i].T, value[i].F), '}')
		})
	case promql.Matrix:
		text = appendList(text, len(value), func(text []byte, i int) []byte { return appendSeries(text, &value[i]) })
	}
	return string(append(text, '}'))
}

func appendList(text []byte, length int, one func([]byte, int) []byte) []byte {
	text = append(text, '[')
	for i := range length {
		if i > 0 {
			text = append(text, ',')
		}
		text = one(text, i)
	}
	return append(text, ']')
}

func appendSeries(text []byte, s *promql.Series) []byte {
	text = appendLabels(append(text, `{"metric":`...), s.Metric)
	if len(s.Floats) > 0 {
		text = appendList(append(text, `,"values":`...), len(s.Floats), func(text []byte, i int) []byte {
			return appendPoint(text, s.Floats[i].T, s.Floats[i].F)
		})
	}
	if len(s.Histograms) > 0 {
		text = appendList(append(text, `,"histograms":`...), len(s.Histograms), func(text []byte, i int) []byte {
			return appendHistogramPoint(text, s.Histograms[i].T, s.Histograms[i].H)
		})
	}
	return append(text, '}')
}

func appendLabels(text []byte, l labels.Labels) []byte {
	text = append(text, '{')
	first := true
	l.Range(func(one labels.Label) {
		if !first {
			text = append(text, ',')
		}
		first = false
		text = appendText(append(appendText(text, one.Name), ':'), one.Value)
	})
	return append(text, '}')
}

func appendText(text []byte, s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil {
		return append(text, `""`...) // no string is refused
	}
	return append(text, quoted...)
}

func appendPoint(text []byte, t int64, v float64) []byte {
	text = append(appendSeconds(append(text, '['), t), ',')
	return append(appendNumber(text, v), ']')
}

// appendSeconds writes milliseconds as seconds with up to three decimals.
func appendSeconds(text []byte, ms int64) []byte {
	if ms < 0 {
		text, ms = append(text, '-'), -ms
	}
	text = strconv.AppendInt(text, ms/1000, 10)
	if rest := ms % 1000; rest != 0 {
		text = append(text, '.', byte('0'+rest/100), byte('0'+rest/10%10), byte('0'+rest%10))
	}
	return text
}

// appendNumber writes exponents as Prometheus' util/jsonutil does.
func appendNumber(text []byte, v float64) []byte {
	form := byte('f')
	if abs := math.Abs(v); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		form = 'e'
	}
	return append(strconv.AppendFloat(append(text, '"'), v, form, -1, 64), '"')
}

// How the ends of a bucket belong to it, in Prometheus' JSON.
const (
	openLeft = iota
	openRight
	openBoth
	closedBoth
)

func appendHistogramPoint(text []byte, t int64, h *histogram.FloatHistogram) []byte {
	text = append(appendSeconds(append(text, '['), t), `,{"count":`...)
	text = append(appendNumber(text, h.Count), `,"sum":`...)
	text = appendNumber(text, h.Sum)
	some := false
	for it := h.AllBucketIterator(); it.Next(); {
		bucket := it.At()
		if bucket.Count == 0 {
			continue
		}
		if some {
			text = append(text, ',')
		} else {
			text = append(text, `,"buckets":[`...)
		}
		some = true
		text = appendBucket(text, &bucket)
	}
	if some {
		text = append(text, ']')
	}
	return append(text, "}]"...)
}

func appendBucket(text []byte, b *histogram.Bucket[float64]) []byte {
	ends := openBoth
	switch {
	case b.LowerInclusive && b.UpperInclusive:
		ends = closedBoth
	case b.LowerInclusive:
		ends = openRight
	case b.UpperInclusive:
		ends = openLeft
	}
	text = append(strconv.AppendInt(append(text, '['), int64(ends), 10), ',')
	text = append(appendNumber(text, b.Lower), ',')
	text = append(appendNumber(text, b.Upper), ',')
	return append(appendNumber(text, b.Count), ']')
}
