package promql

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
)

// Engine is Prometheus' engine, before which parts of a query are left to the store.
type Engine struct {
	engine   *promql.Engine
	parser   *handover
	pushDown bool
	// delayed names are dropped at the end of a query and not by each function.
	delayed bool
	pushed  atomic.Int64
	asked   atomic.Int64
}

// NewEngine makes an engine. Of the options, it sets the parser itself.
func NewEngine(settings *Settings, options promql.EngineOpts, language parser.Options) *Engine {
	handing := &handover{Parser: parser.NewParser(language), ready: make(map[string]parser.Expr)}
	options.Parser = handing
	return &Engine{
		engine: promql.NewEngine(options), parser: handing, pushDown: settings.PushDown, delayed: options.EnableDelayedNameRemoval,
	}
}

// options are the engine's for some settings.
func options(settings *Settings, logger *slog.Logger) promql.EngineOpts {
	return promql.EngineOpts{
		Logger: logger, MaxSamples: settings.Limits.Samples, Timeout: settings.Limits.Time, LookbackDelta: settings.Lookback,
		NoStepSubqueryIntervalFn: func(int64) int64 { return time.Minute.Milliseconds() }, // Prometheus' default evaluation interval
		EnableAtModifier:         true, EnableNegativeOffset: true, UseStartTimestamps: settings.StartTimestamps,
	}
}

func language(settings *Settings) parser.Options {
	return parser.Options{
		EnableExperimentalFunctions: settings.Experimental, ExperimentalDurationExpr: settings.Experimental,
		EnableExtendedRangeSelectors: settings.Experimental, EnableBinopFillModifiers: settings.Experimental,
	}
}

// Close ends the engine.
func (e *Engine) Close() error { return e.engine.Close() }

// PushedDown is how many queries there were, and of how many the store evaluated a part.
func (e *Engine) PushedDown() (pushed, asked int64) { return e.pushed.Load(), e.asked.Load() }

// NewInstantQuery is that of promql.QueryEngine.
func (e *Engine) NewInstantQuery(ctx context.Context, q storage.Queryable, opts promql.QueryOpts, text string, at time.Time) (promql.Query, error) {
	return e.prepare(q, text, span{at, at, 0}, func(q storage.Queryable, text string) (promql.Query, error) {
		return e.engine.NewInstantQuery(ctx, q, opts, text, at)
	})
}

// NewRangeQuery is that of promql.QueryEngine.
func (e *Engine) NewRangeQuery(ctx context.Context, q storage.Queryable, opts promql.QueryOpts, text string, from, to time.Time, step time.Duration) (promql.Query, error) {
	return e.prepare(q, text, span{from, to, step}, func(q storage.Queryable, text string) (promql.Query, error) {
		return e.engine.NewRangeQuery(ctx, q, opts, text, from, to, step)
	})
}

// span is the times at which a query is evaluated.
type span struct {
	from, to time.Time
	step     time.Duration
}

// query is one that tries to push down when it is executed.
type query struct {
	promql.Query // as it came

	engine  *Engine
	own     *Queryable
	text    string
	at      span
	make    func(storage.Queryable, string) (promql.Query, error)
	running promql.Query // instead, with parts that are evaluated
}

// ownStorage is storage that is, or holds, one of ours.
type ownStorage interface{ Own() *Queryable }

// Own is the storage itself.
func (q *Queryable) Own() *Queryable { return q }

func (e *Engine) prepare(q storage.Queryable, text string, at span, make func(storage.Queryable, string) (promql.Query, error)) (promql.Query, error) {
	made, err := make(q, text)
	if err != nil {
		return nil, err
	}
	e.asked.Add(1)
	storage, ours := q.(ownStorage)
	if !e.pushDown || !ours || strings.Contains(text, pushedLabel) {
		return made, nil
	}
	return &query{Query: made, engine: e, own: storage.Own(), text: text, at: at, make: make}, nil
}

// Exec is that of promql.Query.
func (q *query) Exec(ctx context.Context) *promql.Result {
	parsed, err := q.engine.parser.ParseExpr(q.text)
	if err != nil {
		return q.Query.Exec(ctx)
	}
	plan := &pushing{engine: q.engine, own: q.own, at: q.at}
	bounded, cancel := context.WithTimeout(ctx, q.own.settings.Limits.Time)
	rewritten, err := plan.rewrite(bounded, parsed)
	cancel()
	if err != nil {
		return &promql.Result{Err: err}
	}
	if len(plan.results) == 0 {
		return q.Query.Exec(ctx)
	}
	q.engine.pushed.Add(1)
	if q.running, err = q.make(&overlay{q.own, plan.results}, q.engine.parser.hand(rewritten)); err != nil {
		return &promql.Result{Err: err}
	}
	result := q.running.Exec(ctx)
	result.Warnings.Merge(plan.notes)
	return result
}

// Pushed says, after Exec, whether the store has evaluated a part.
func (q *query) Pushed() bool { return q.running != nil }

// Close is that of promql.Query.
func (q *query) Close() {
	q.Query.Close()
	if q.running != nil {
		q.running.Close()
	}
}

// handover is a parser that also gives out expressions under names: the engine takes text
// only, and an expression that was printed and parsed again would have lost its positions.
type handover struct {
	parser.Parser

	mu    sync.Mutex
	next  int
	ready map[string]parser.Expr
}

// handed begins the names. No query begins so: it is no PromQL.
const handed = "\x00"

// hand gives a name to an expression. It is good for once.
func (h *handover) hand(expr parser.Expr) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.next++
	name := handed + strconv.Itoa(h.next)
	h.ready[name] = expr
	return name
}

// ParseExpr is that of parser.Parser.
func (h *handover) ParseExpr(text string) (parser.Expr, error) {
	if strings.HasPrefix(text, handed) {
		h.mu.Lock()
		defer h.mu.Unlock()
		if expr, ready := h.ready[text]; ready {
			delete(h.ready, text)
			return expr, nil
		}
	}
	return h.Parser.ParseExpr(text)
}
