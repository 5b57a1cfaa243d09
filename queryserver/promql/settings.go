package promql

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/otlptranslator"
)

// Settings are how PromQL shows OTLP's names, and what a query may cost.
type Settings struct {
	// Translation of names, as Prometheus' otlp::translation_strategy. Default:
	// UnderscoreEscapingWithSuffixes, under which the dashboards of most people work.
	Translation string `mapstructure:"translation_strategy"`
	// PromoteResourceAttributes become labels of every series. Default: none; they are
	// labels of target_info.
	PromoteResourceAttributes []string `mapstructure:"promote_resource_attributes"`
	// HistogramsToNHCB shows histograms with explicit bounds as native histograms with
	// custom buckets instead of classic ones. Default: no, as in Prometheus.
	HistogramsToNHCB bool `mapstructure:"convert_histograms_to_nhcb"`
	// StartTimestamps lets rate and increase count from the start time of a point, as
	// Prometheus' feature use-start-timestamps. Default: no.
	StartTimestamps bool `mapstructure:"use_start_timestamps"`
	// Experimental functions and modifiers of PromQL. Default: no, as in Prometheus.
	Experimental bool `mapstructure:"experimental"`
	// Lookback is how old the newest sample of a series may be. Default: 5 min, as in
	// Prometheus.
	Lookback time.Duration `mapstructure:"lookback"`
	// PushDown lets ClickHouse evaluate what it can. Default: yes.
	PushDown bool          `mapstructure:"push_down"`
	Limits   LimitSettings `mapstructure:"limits"`

	_ struct{}
}

// LimitSettings bound one query.
type LimitSettings struct {
	// Time of a query. Default: 25 s, within http::limits::request_timeout.
	Time time.Duration `mapstructure:"time"`
	// Samples in memory at once. Default: 10,000,000, of 16 bytes each; native histograms
	// count more.
	Samples int `mapstructure:"samples"`
	// Series of a selector. Default: 100,000.
	Series int `mapstructure:"series"`
	// Points of each series of an answer. Default: 11,000, as in Prometheus.
	Points int `mapstructure:"points"`
	// QueryBytes of a query's text. Default: 64 KiB.
	QueryBytes int `mapstructure:"query_bytes"`
	// RegexBytes of one regular expression. Default: 4 KiB.
	RegexBytes int `mapstructure:"regex_bytes"`
	// Range is from the first to the last moment that a query reads. Default: 400 days,
	// the longest retention.
	Range time.Duration `mapstructure:"range"`
	// Exemplars of an answer. Default: 10,000.
	Exemplars int `mapstructure:"exemplars"`

	_ struct{}
}

// DefaultSettings are those of the comments.
func DefaultSettings() Settings {
	return Settings{
		Translation: string(otlptranslator.UnderscoreEscapingWithSuffixes), Lookback: 5 * time.Minute, PushDown: true,
		Limits: LimitSettings{
			Time: 25 * time.Second, Samples: 10_000_000, Series: 100_000, Points: 11_000, QueryBytes: 64 << 10,
			RegexBytes: 4 << 10, Range: 400 * 24 * time.Hour, Exemplars: 10_000,
		},
	}
}

// Validate names the keys at fault.
func (s Settings) Validate() error {
	var faults []error
	if known := strategies(); !slices.Contains(known, s.Translation) {
		faults = append(faults, fmt.Errorf("translation_strategy: %q is none of %q", s.Translation, known))
	}
	for key, value := range map[string]int64{
		"lookback": int64(s.Lookback / time.Millisecond), "limits::time": int64(s.Limits.Time), "limits::samples": int64(s.Limits.Samples), "limits::series": int64(s.Limits.Series),
		"limits::points": int64(s.Limits.Points), "limits::query_bytes": int64(s.Limits.QueryBytes), "limits::regex_bytes": int64(s.Limits.RegexBytes),
		"limits::range": int64(s.Limits.Range), "limits::exemplars": int64(s.Limits.Exemplars),
	} {
		if value <= 0 {
			faults = append(faults, fmt.Errorf("%s: must be positive", key))
		}
	}
	return errors.Join(faults...)
}

func strategies() []string {
	return []string{
		string(otlptranslator.UnderscoreEscapingWithSuffixes), string(otlptranslator.UnderscoreEscapingWithoutSuffixes),
		string(otlptranslator.NoUTF8EscapingWithSuffixes), string(otlptranslator.NoTranslation),
	}
}
