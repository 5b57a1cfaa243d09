package jaeger

import (
	"net/url"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

const (
	// defaultLookback is Jaeger's, of searches.
	defaultLookback = 48 * time.Hour
	// defaultDependencies is Jaeger's, of dependencies.
	defaultDependencies = 24 * time.Hour
	// recently is when services and operations must have been seen to be listed: requests
	// for them name no time.
	recently = 48 * time.Hour
	// longestRange is longer than any retention.
	longestRange = 400 * 24 * time.Hour
	// maxText bounds a parameter.
	maxText = 4096
)

// parameters are those of one request.
type parameters struct {
	query url.Values
	path  func(name string) string
}

func bad(name, message string) error {
	return &queryserver.Error{Code: queryserver.Invalid, Message: "a parameter cannot be used", Fields: []queryserver.FieldError{{Location: name, Message: message}}}
}

// text is a parameter by any of its names; the first that is given counts.
func (p parameters) text(names ...string) (value, name string, err error) {
	for _, name := range names {
		if value := p.query.Get(name); value != "" {
			if len(value) > maxText || !utf8.ValidString(value) {
				return "", name, bad(name, "is too long")
			}
			return value, name, nil
		}
	}
	return "", names[0], nil
}

// time is a whole number of a unit since 1970, or a default.
func (p parameters) time(name string, unit time.Duration, otherwise time.Time) (time.Time, error) {
	value, _, err := p.text(name)
	if err != nil || value == "" {
		return otherwise, err
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if limit := int64(1<<63-1) / int64(unit); err != nil || n < 0 || n > limit {
		return otherwise, bad(name, "must be a whole number since 1970")
	}
	return time.Unix(0, n*int64(unit)).UTC(), nil
}

// duration is text such as 1.2s; 0 when it is not given.
func (p parameters) duration(names ...string) (time.Duration, error) {
	value, name, err := p.text(names...)
	if err != nil || value == "" {
		return 0, err
	}
	d, err := time.ParseDuration(value)
	if err != nil || d < 0 {
		return 0, bad(name, "must be a duration such as 1.2s or 100ms")
	}
	return d, nil
}

// limit is how many traces are asked for, up to the most that one answer holds.
func (p parameters) limit(names ...string) (int, error) {
	value, name, err := p.text(names...)
	if err != nil || value == "" {
		return maxTraces, err
	}
	n, err := strconv.Atoi(value)
	if err != nil || n <= 0 {
		return 0, bad(name, "must be a whole number above 0")
	}
	return min(n, maxTraces), nil
}

// traceID is that of the path.
func (p parameters) traceID() (id queryserver.TraceID, err error) {
	return id, id.UnmarshalText([]byte(p.path("traceID")))
}

// checked is a time range that can be asked for.
func checked(in queryserver.TimeRange, start string) (queryserver.TimeRange, error) {
	switch {
	case !in.From.Before(in.To):
		return in, bad(start, "must be before the end")
	case in.To.Sub(in.From) > longestRange:
		return in, bad(start, "must be at most 400 days before the end")
	}
	return in, nil
}

// lately is the time range of lists, to the hour so that neighbours ask the same.
func lately() queryserver.TimeRange {
	to := time.Now().UTC().Truncate(time.Hour).Add(time.Hour)
	return queryserver.TimeRange{From: to.Add(-recently), To: to}
}
