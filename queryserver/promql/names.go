package promql

import (
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/otlptranslator"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// part is what of a point a Prometheus series shows.
type part int

const (
	whole part = iota // the value, or the native histogram
	bucketPart
	sumPart
	countPart
	quantilePart
)

// targetInfo is the series of a resource (Prometheus' OTLP guide).
const targetInfo = "target_info"

// metric is a Prometheus metric name and what it is made of.
type metric struct {
	name   string
	family queryserver.SeriesFamily
	part   part
}

// names translates names of metrics and labels. It remembers labels and is for one query.
type names struct {
	settings *Settings
	metrics  otlptranslator.MetricNamer
	labels   otlptranslator.LabelNamer
	known    map[string]string // labels by key of the attribute
}

func newNames(settings *Settings) *names {
	strategy := otlptranslator.TranslationStrategyOption(settings.Translation)
	return &names{
		settings: settings, metrics: otlptranslator.NewMetricNamer("", strategy),
		labels: otlptranslator.LabelNamer{UTF8Allowed: !strategy.ShouldEscape()}, known: make(map[string]string),
	}
}

// escaped says whether several keys of attributes may become one label.
func (n *names) escaped() bool { return !n.labels.UTF8Allowed }

// label is the name of the label of an attribute; empty for a key that cannot be one.
func (n *names) label(key string) string {
	name, known := n.known[key]
	if !known {
		if built, err := n.labels.Build(strings.ToValidUTF8(key, "\ufffd")); err == nil && built != model.MetricNameLabel {
			name = built
		}
		n.known[key] = name
	}
	return name
}

// of are the metrics that a family is shown as; none when its name cannot be translated.
func (n *names) of(family queryserver.SeriesFamily) []metric {
	base, err := n.metrics.Build(otlptranslator.Metric{Name: family.Name, Unit: family.Unit, Type: typeOf(family)})
	if err != nil || base == "" || !model.UTF8Validation.IsValidMetricName(base) {
		return nil
	}
	shown := func(suffix string, as part) metric { return metric{base + suffix, family, as} }
	switch family.Kind {
	case queryserver.GaugeSeries, queryserver.SumSeries, queryserver.ExponentialSeries:
		return []metric{shown("", whole)}
	case queryserver.HistogramSeries:
		if n.settings.HistogramsToNHCB {
			return []metric{shown("", whole)}
		}
		return []metric{shown("_bucket", bucketPart), shown("_sum", sumPart), shown("_count", countPart)}
	case queryserver.SummarySeries:
		return []metric{shown("", quantilePart), shown("_sum", sumPart), shown("_count", countPart)}
	}
	return nil
}

// typeOf is the type by which names get suffixes.
func typeOf(family queryserver.SeriesFamily) otlptranslator.MetricType {
	switch family.Kind {
	case queryserver.GaugeSeries:
		return otlptranslator.MetricTypeGauge
	case queryserver.SumSeries:
		if family.Monotonic {
			return otlptranslator.MetricTypeMonotonicCounter
		}
		return otlptranslator.MetricTypeNonMonotonicCounter
	case queryserver.HistogramSeries:
		return otlptranslator.MetricTypeHistogram
	case queryserver.ExponentialSeries:
		return otlptranslator.MetricTypeExponentialHistogram
	case queryserver.SummarySeries:
		return otlptranslator.MetricTypeSummary
	}
	return otlptranslator.MetricTypeUnknown
}

// promType is the type of a family in metadata.
func promType(family queryserver.SeriesFamily) model.MetricType {
	switch family.Kind {
	case queryserver.SumSeries:
		if family.Monotonic {
			return model.MetricTypeCounter
		}
		return model.MetricTypeGauge
	case queryserver.HistogramSeries, queryserver.ExponentialSeries:
		return model.MetricTypeHistogram
	case queryserver.SummarySeries:
		return model.MetricTypeSummary
	default:
		return model.MetricTypeGauge
	}
}

// baseName is the name under which metadata are found.
func baseName(shown []metric) string {
	if shown[0].part == bucketPart {
		return strings.TrimSuffix(shown[0].name, "_bucket")
	}
	return shown[0].name
}

// otlpNames are the different names of some metrics, sorted.
func otlpNames(shown []metric) []string {
	found := make([]string, 0, len(shown))
	for _, m := range shown {
		found = append(found, m.family.Name)
	}
	slices.Sort(found)
	return slices.Compact(found)
}
