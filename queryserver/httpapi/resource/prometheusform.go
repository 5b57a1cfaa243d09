package resource

import (
	"math"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/prometheus/common/model"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// promForm is the parameters of a request, of the URL and of a form.
type promForm struct {
	url.Values

	path string // {name}
	now  time.Time
}

// formType is the one type of a body.
const formType = "application/x-www-form-urlencoded"

func readForm(r *http.Request) (promForm, error) {
	form := promForm{path: r.PathValue("name"), now: time.Now().UTC()}
	if r.Method == http.MethodPost && r.ContentLength != 0 {
		if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != formType {
			return form, queryserver.Errorf(queryserver.Invalid, "the body must be %s", formType)
		}
	}
	if err := r.ParseForm(); err != nil {
		return form, queryserver.Errorf(queryserver.Invalid, "error parsing form values")
	}
	for name, values := range r.Form {
		for _, value := range values {
			if !utf8.ValidString(name) || !utf8.ValidString(value) {
				return form, queryserver.Errorf(queryserver.Invalid, "the parameters are not UTF-8")
			}
		}
	}
	form.Values = r.Form
	return form, nil
}

func badParameter(name, message string) error {
	return queryserver.Errorf(queryserver.Invalid, "invalid parameter %q: %s", name, message)
}

// time reads seconds since 1970 or RFC 3339.
func (f promForm) time(name string, missing time.Time) (time.Time, error) {
	text := f.Get(name)
	if text == "" {
		return missing, nil
	}
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && math.Abs(seconds) < 1<<53 {
		ms := int64(math.Round(seconds * 1000)) //nolint:mnd // milliseconds, as Prometheus rounds
		return time.UnixMilli(ms).UTC(), nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return t, badParameter(name, "cannot parse it to a valid timestamp")
	}
	return t.UTC(), nil
}

// duration reads seconds or a duration such as 5m.
func (f promForm) duration(name string) (time.Duration, error) {
	text := f.Get(name)
	if text == "" {
		return 0, nil
	}
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && math.Abs(seconds) < math.MaxInt64/float64(time.Second) {
		return time.Duration(seconds * float64(time.Second)), nil
	}
	d, err := model.ParseDuration(text)
	if err != nil {
		return 0, badParameter(name, "cannot parse it to a valid duration")
	}
	return time.Duration(d), nil
}

func (f promForm) number(name string) (int, error) {
	text := f.Get(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, badParameter(name, "must be a number, 0 for no limit")
	}
	return n, nil
}

// query reads what query and query_range share.
func (f promForm) query() (q queryserver.PromQuery, err error) {
	q.Query = f.Get("query")
	if q.Limit, err = f.number("limit"); err != nil {
		return q, err
	}
	if q.Timeout, err = f.duration("timeout"); err != nil {
		return q, err
	}
	q.Lookback, err = f.duration("lookback_delta")
	if err == nil && (q.Timeout < 0 || q.Lookback < 0) {
		err = badParameter("timeout", "must not be negative")
	}
	return q, err
}

func (f promForm) rangeOf(q *queryserver.PromQuery) (err error) {
	for _, name := range []string{"start", "end", "step"} {
		if f.Get(name) == "" {
			return badParameter(name, "it is missing")
		}
	}
	if q.From, err = f.time("start", f.now); err != nil {
		return err
	}
	if q.To, err = f.time("end", f.now); err != nil {
		return err
	}
	if q.Step, err = f.duration("step"); err != nil {
		return err
	}
	if q.Step < time.Millisecond {
		return badParameter("step", "zero or negative query resolution step widths are not accepted. Try a positive integer")
	}
	if q.To.Before(q.From) {
		return badParameter("end", "end timestamp must not be before start time")
	}
	return nil
}

// discoveryRange is how far back series and labels are looked for without a start.
const discoveryRange = 24 * time.Hour

func (f promForm) selection() (q queryserver.PromSelection, err error) {
	q.Match = f.Values["match[]"]
	if q.Limit, err = f.number("limit"); err != nil {
		return q, err
	}
	if q.To, err = f.time("end", f.now); err != nil {
		return q, err
	}
	q.From, err = f.time("start", q.To.Add(-discoveryRange))
	return q, err
}
