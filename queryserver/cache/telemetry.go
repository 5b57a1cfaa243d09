package cache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// Telemetry remembers answers about telemetry. What a caller may see is part of the key,
// and the tenant is compared again at every hit.
type Telemetry struct {
	cache       *Cache
	next        queryserver.Telemetry
	generations *generations
	services    *View[answer[[]queryserver.Service]]
	metrics     metrics
	logs        logViews
	spans       traceViews
}

// NewTelemetry puts a cache before a store of telemetry.
func NewTelemetry(c *Cache, next queryserver.Telemetry) *Telemetry {
	return &Telemetry{
		cache: c, next: next, generations: newGenerations(c.now),
		services: answers[[]queryserver.Service](c, "services", metricsLife),
		metrics:  metricAnswers(c),
		logs:     newLogViews(c),
		spans:    newTraceViews(c),
	}
}

// Heard takes in that a tenant has new data of a time range.
func (t *Telemetry) Heard(of tenant.ID, signal queryserver.Signal, in queryserver.TimeRange) {
	t.generations.heard(of, signal, in)
}

// Missed makes old all that is remembered, when news may have been missed.
func (t *Telemetry) Missed() { t.generations.reset() }

// answer is a value with whose it is.
type answer[T any] struct {
	Tenant tenant.ID
	Value  T
}

// life is how long answers live in L1 and L2, by the data-flow document's table.
type life struct{ l1, l2 time.Duration }

var (
	metricsLife = life{time.Minute, 30 * time.Minute} //nolint:gochecknoglobals // a constant
	logsLife    = life{time.Minute, 5 * time.Minute}  //nolint:gochecknoglobals // a constant
	tracesLife  = life{time.Minute, 30 * time.Minute} //nolint:gochecknoglobals // a constant
)

// answers declares a kind of answers.
func answers[T any](c *Cache, name string, live life) *View[answer[T]] {
	return Of(c, Kind[answer[T]]{
		Name: name, L1: live.l1, L2: live.l2, Independent: true,
		Owner: func(a answer[T]) tenant.ID { return a.Tenant },
		Keep:  func(a answer[T]) bool { return !isCut(a.Value) },
	})
}

// cut are answers that may be less than what was asked for. They are not remembered.
type cut interface{ Cut() bool }

func isCut(value any) bool {
	c, can := value.(cut)
	return can && c.Cut()
}

// question is what is asked: of which signals, of which time, and whatever else makes a
// difference, as a value that JSON writes in one way.
type question struct {
	signals []queryserver.Signal
	in      queryserver.TimeRange
	// depends is the range of the data that makes a difference. Zero: in.
	depends queryserver.TimeRange
	rest    any
}

// ask gives the answer to a question of a call, from wherever it is soonest.
func ask[T any](ctx context.Context, t *Telemetry, view *View[answer[T]], scope queryserver.Scope, q question, load func(context.Context) (T, error)) (T, error) {
	of := scope.Tenant().Tenant
	key, err := t.key(scope, q)
	if err != nil {
		var none T
		return none, err
	}
	got, origin, err := view.Get(ctx, of, of.String()+":"+key, func(ctx context.Context) (answer[T], error) {
		value, err := load(ctx)
		return answer[T]{of, value}, err
	})
	queryserver.NoteOrigin(ctx, queryserver.Origin(origin.String()))
	return got.Value, err
}

// key is a hash of the question, of what the caller may see, and of the generation of the
// data.
func (t *Telemetry) key(scope queryserver.Scope, q question) (string, error) {
	type seen struct {
		Permission   queryserver.Permission
		Alternatives [][]queryserver.Predicate
	}
	var sees []seen
	for _, permission := range []queryserver.Permission{queryserver.MetricsRead, queryserver.LogsRead, queryserver.TracesRead} {
		if filter, granted := scope.Sees(permission); granted {
			sees = append(sees, seen{permission, filter.Alternatives()})
		}
	}
	depends := q.depends
	if depends.From.IsZero() {
		depends = q.in
	}
	var known []string
	for _, signal := range q.signals {
		known = append(known, string(signal), strconv.FormatInt(t.generations.of(scope.Tenant().Tenant, signal, depends).Unix(), 10))
	}
	text, err := json.Marshal([]any{scope.Tenant().Workspace, sees, known, q.in.From.UnixNano(), q.in.To.UnixNano(), q.rest})
	if err != nil {
		return "", fmt.Errorf("write the key of a question: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// Services is that of queryserver.Telemetry.
func (t *Telemetry) Services(ctx context.Context, scope queryserver.Scope, in queryserver.TimeRange) ([]queryserver.Service, error) {
	q := question{signals: []queryserver.Signal{queryserver.Metrics, queryserver.Logs, queryserver.Traces}, in: in}
	return ask(ctx, t, t.services, scope, q, func(ctx context.Context) ([]queryserver.Service, error) {
		return t.next.Services(ctx, scope, in)
	})
}
