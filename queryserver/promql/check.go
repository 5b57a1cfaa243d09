package promql

import (
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// check refuses queries that are beyond the limits before anything is read.
func (s *Service) check(q queryserver.PromQuery) error {
	reach, err := s.PromReach(q)
	if err != nil {
		return err
	}
	if q.Step > 0 && int64(q.To.Sub(q.From)/q.Step) > int64(s.settings.Limits.Points) {
		return queryserver.Errorf(queryserver.Invalid, "exceeded maximum resolution of %d points per timeseries. Try decreasing the query resolution (?step=XX)", s.settings.Limits.Points)
	}
	if reach.To.Sub(reach.From) > s.settings.Limits.Range {
		return queryserver.Errorf(queryserver.Invalid, "the query reaches over more than %s; take a shorter range", s.settings.Limits.Range)
	}
	return nil
}

// parse reads a query within its limits.
func (s *Service) parse(text string) (parser.Expr, error) {
	if len(text) > s.settings.Limits.QueryBytes {
		return nil, queryserver.Errorf(queryserver.Invalid, "invalid parameter %q: longer than %d bytes", "query", s.settings.Limits.QueryBytes)
	}
	expr, err := s.language.ParseExpr(text)
	if err != nil {
		return nil, refused("query", err)
	}
	for _, matchers := range parser.ExtractSelectors(expr) {
		if err := s.checkMatchers("query", matchers); err != nil {
			return nil, err
		}
	}
	return expr, nil
}

func (s *Service) checkMatchers(parameter string, matchers []*labels.Matcher) error {
	for _, m := range matchers {
		if (m.Type == labels.MatchRegexp || m.Type == labels.MatchNotRegexp) && len(m.Value) > s.settings.Limits.RegexBytes {
			return queryserver.Errorf(queryserver.Invalid, "invalid parameter %q: a regular expression is longer than %d bytes", parameter, s.settings.Limits.RegexBytes)
		}
	}
	return nil
}

// PromReach is that of queryserver.PromQL.
func (s *Service) PromReach(q queryserver.PromQuery) (queryserver.TimeRange, error) {
	if q.Step == 0 {
		q.From = q.To
	}
	expr, err := s.parse(q.Query)
	if err != nil {
		return queryserver.TimeRange{}, err
	}
	expr, err = promql.PreprocessExpr(expr, q.From, q.To, q.Step)
	if err != nil {
		return queryserver.TimeRange{}, refused("query", err)
	}
	lookback := s.settings.Lookback
	if q.Lookback > 0 {
		lookback = q.Lookback
	}
	from, to := promql.FindMinMaxTime(&parser.EvalStmt{Expr: expr, Start: q.From, End: q.To, Interval: q.Step, LookbackDelta: lookback})
	return between(from-s.settings.Lookback.Milliseconds(), to), nil // sums of deltas begin earlier
}
