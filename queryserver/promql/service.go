package promql

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/util/annotations"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// Service is a queryserver.PromQL. It is safe for concurrent use.
type Service struct {
	settings Settings
	store    queryserver.SeriesReader
	engine   *Engine
	language parser.Parser
}

var _ queryserver.PromQL = (*Service)(nil)

// Version is that of Prometheus whose engine answers: module v0.315.1 is release 3.15.1.
const Version = "3.15.1"

// New makes a service over a store.
func New(settings Settings, store queryserver.SeriesReader, logger *slog.Logger) (*Service, error) {
	if err := settings.Validate(); err != nil {
		return nil, err
	}
	s := &Service{settings: settings, store: store, language: parser.NewParser(language(&settings))}
	s.engine = NewEngine(&s.settings, options(&s.settings, logger), language(&s.settings))
	return s, nil
}

// Close ends the engine.
func (s *Service) Close() error { return s.engine.Close() }

// EvaluatePromQL is that of queryserver.PromQL.
func (s *Service) EvaluatePromQL(ctx context.Context, scope queryserver.Scope, q queryserver.PromQuery) (queryserver.PromAnswer, error) {
	if err := s.check(q); err != nil {
		return queryserver.PromAnswer{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout(q.Timeout))
	defer cancel()
	made, err := s.prepare(ctx, scope, q)
	if err != nil {
		return queryserver.PromAnswer{}, refused("query", err)
	}
	defer made.Close()
	result := made.Exec(ctx)
	if result.Err != nil {
		return queryserver.PromAnswer{}, failed(result.Err)
	}
	answer := queryserver.PromAnswer{Truncated: truncate(result, q.Limit)}
	answer.Data = resultJSON(result.Value)
	answer.Warnings, answer.Infos = notes(result.Warnings, q.Query)
	if answer.Truncated {
		answer.Warnings = append(answer.Warnings, truncated)
	}
	return answer, nil
}

// truncated is Prometheus' own sentence.
const truncated = "results truncated due to limit"

func (s *Service) prepare(ctx context.Context, scope queryserver.Scope, q queryserver.PromQuery) (promql.Query, error) {
	storage := NewQueryable(&s.settings, s.store, scope)
	opts := promql.NewPrometheusQueryOpts(false, q.Lookback)
	if q.Step == 0 {
		return s.engine.NewInstantQuery(ctx, storage, opts, q.Query, q.To)
	}
	return s.engine.NewRangeQuery(ctx, storage, opts, q.Query, q.From, q.To, q.Step)
}

func (s *Service) timeout(asked time.Duration) time.Duration {
	if asked <= 0 {
		return s.settings.Limits.Time
	}
	return min(asked, s.settings.Limits.Time)
}

// notes are the warnings and the infos of an answer.
func notes(all annotations.Annotations, text string) (warnings, infos []string) {
	const most = 10 // as Prometheus
	return all.AsStrings(text, most, most)
}

// truncate keeps so many series of a result.
func truncate(result *promql.Result, limit int) bool {
	if limit <= 0 {
		return false
	}
	switch value := result.Value.(type) {
	case promql.Vector:
		if len(value) > limit {
			result.Value = value[:limit]
			return true
		}
	case promql.Matrix:
		if len(value) > limit {
			result.Value = value[:limit]
			return true
		}
	}
	return false
}

// refused is the error of a parameter.
func refused(parameter string, err error) error {
	return queryserver.Errorf(queryserver.Invalid, "invalid parameter %q: %s", parameter, err)
}

// failed gives an error of the engine the code that a client may hear. What the store
// says has one already.
func failed(err error) error {
	var known *queryserver.Error
	var slow promql.ErrQueryTimeout
	var gone promql.ErrQueryCanceled
	var stored promql.ErrStorage
	switch {
	case errors.As(err, &known):
		if known.Code == queryserver.Invalid {
			return &queryserver.Error{Code: queryserver.Execution, Message: known.Message, Cause: known}
		}
		return known
	case errors.As(err, &slow), errors.Is(err, context.DeadlineExceeded):
		return &queryserver.Error{Code: queryserver.Timeout, Message: "query timed out", Cause: err}
	case errors.As(err, &gone), errors.Is(err, context.Canceled):
		return &queryserver.Error{Code: queryserver.Timeout, Message: "query was canceled", Cause: err}
	case errors.As(err, &stored):
		return err
	}
	// What is left are the engine's own: about the query and the data, and of no statement.
	return &queryserver.Error{Code: queryserver.Execution, Message: err.Error(), Cause: err}
}

// FormatPromQL is that of queryserver.PromQL.
func (s *Service) FormatPromQL(text string) (string, error) {
	expr, err := s.parse(text)
	if err != nil {
		return "", err
	}
	return expr.Pretty(0), nil
}
