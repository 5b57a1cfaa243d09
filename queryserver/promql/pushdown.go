package promql

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/util/annotations"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// pushedLabel names the selectors that stand for parts that the store has evaluated.
const pushedLabel = "__pushed__"

// mostWindows is in how many windows of a range query a sample may lie. The store looks at
// it once for each, so that beyond it pays to fetch the samples.
const mostWindows = 8

// pushing has the store evaluate parts of a query, and puts selectors in their places.
type pushing struct {
	engine  *Engine
	own     *Queryable
	at      span
	results [][]*series
	notes   annotations.Annotations
}

// rewrite goes down until it finds a part that the store can evaluate. It leaves alone
// what has times of its own (subqueries) and what looks at its argument's text or order.
func (p *pushing) rewrite(ctx context.Context, expr parser.Expr) (parser.Expr, error) {
	if found := p.part(expr); found != nil {
		replaced, pushed, err := p.evaluate(ctx, found)
		if err != nil || pushed {
			return replaced, err
		}
	}
	var err error
	switch e := expr.(type) {
	case *parser.AggregateExpr:
		if e.Op != parser.LIMITK && e.Op != parser.LIMIT_RATIO {
			e.Expr, err = p.rewrite(ctx, e.Expr)
		}
	case *parser.BinaryExpr:
		if e.LHS, err = p.rewrite(ctx, e.LHS); err == nil {
			e.RHS, err = p.rewrite(ctx, e.RHS)
		}
	case *parser.Call:
		if e.Func.Name == "absent" || e.Func.Name == "info" {
			return expr, nil
		}
		for i := range e.Args {
			if e.Args[i], err = p.rewrite(ctx, e.Args[i]); err != nil {
				break
			}
		}
	case *parser.ParenExpr:
		e.Expr, err = p.rewrite(ctx, e.Expr)
	case *parser.UnaryExpr:
		e.Expr, err = p.rewrite(ctx, e.Expr)
	}
	return expr, err
}

// candidate is a function over a window, with an aggregation around it or without.
type candidate struct {
	expr        parser.Expr
	function    string
	window      *parser.MatrixSelector
	selector    *parser.VectorSelector
	aggregation *parser.AggregateExpr
}

// part is what an expression is a candidate for; nil for none.
func (p *pushing) part(expr parser.Expr) *candidate {
	c := &candidate{expr: expr}
	inner := expr
	if e, is := expr.(*parser.AggregateExpr); is {
		if !slices.Contains([]parser.ItemType{parser.SUM, parser.AVG, parser.MIN, parser.MAX, parser.COUNT}, e.Op) || slices.Contains(e.Grouping, model.MetricNameLabel) {
			return nil
		}
		c.aggregation, inner = e, bare(e.Expr)
	} else if p.engine.delayed {
		return nil // the name would have to be kept, and dropped later
	}
	call, is := inner.(*parser.Call)
	if !is || !pushable(call.Func.Name) || len(call.Args) != 1 {
		return nil
	}
	c.function = call.Func.Name
	if c.window, is = call.Args[0].(*parser.MatrixSelector); !is || c.window.RangeExpr != nil || c.window.Range <= 0 {
		return nil
	}
	c.selector, is = c.window.VectorSelector.(*parser.VectorSelector)
	if !is || c.selector.Timestamp != nil || c.selector.StartOrEnd != 0 || c.selector.OriginalOffsetExpr != nil || c.selector.Anchored || c.selector.Smoothed {
		return nil
	}
	if strings.HasSuffix(c.function, "_over_time") && p.at.step > 0 && c.window.Range/p.at.step > mostWindows {
		return nil
	}
	if p.own.settings.StartTimestamps && (c.function == "rate" || c.function == "increase") {
		return nil // the store knows nothing of start times
	}
	return c
}

func bare(expr parser.Expr) parser.Expr {
	for {
		paren, is := expr.(*parser.ParenExpr)
		if !is {
			return expr
		}
		expr = paren.Expr
	}
}

func pushable(function string) bool {
	switch function {
	case "rate", "increase", "delta", "sum_over_time", "avg_over_time", "min_over_time", "max_over_time", "count_over_time", "last_over_time":
		return true
	}
	return false
}

// evaluate has the store evaluate a candidate, and gives what stands for the answer. False:
// the store cannot, or not exactly.
func (p *pushing) evaluate(ctx context.Context, c *candidate) (parser.Expr, bool, error) {
	q := queryserver.GridQuestion{
		Grid: p.grid(c.selector.OriginalOffset), Window: c.window.Range.Milliseconds(), Function: c.function,
	}
	if c.aggregation != nil {
		q.Aggregation = c.aggregation.Op.String()
	}
	if q.Steps > p.own.settings.Limits.Points+1 {
		return nil, false, nil
	}
	groups, names, can, err := p.ask(ctx, c, &q)
	if err != nil || !can {
		return nil, false, err
	}
	var rows []queryserver.GridRow
	if len(q.Series) > 0 {
		var exact bool
		if rows, exact, err = p.own.store.EvaluateGrid(ctx, p.own.scope, q); err != nil || !exact {
			return nil, false, err
		}
	}
	if err := p.own.spend(len(rows) * q.Steps); err != nil {
		return nil, false, err
	}
	found := answerOf(rows, groups, q.Grid, c.selector.OriginalOffset.Milliseconds())
	p.note(c, names, len(found) > 0)
	p.results = append(p.results, found)
	return p.stand(c), true, nil
}

// grid is the times of the query, moved by an offset.
func (p *pushing) grid(offset time.Duration) queryserver.Grid {
	g := queryserver.Grid{From: p.at.from.UnixMilli() - offset.Milliseconds(), Step: p.at.step.Milliseconds(), Steps: 1}
	if g.Step > 0 {
		g.Steps = int((p.at.to.UnixMilli()-p.at.from.UnixMilli())/g.Step) + 1
	}
	return g
}

// note says what the engine would have said of names that are no counter's.
func (p *pushing) note(c *candidate, names []string, found bool) {
	if c.function != "rate" && c.function != "increase" || !found {
		return
	}
	for _, name := range names {
		if !countersName(name) {
			p.notes.Add(annotations.NewPossibleNonCounterInfo(name, c.window.PositionRange()))
		}
	}
}

// countersName is Prometheus' guess, promql.(*evaluator).eval.
func countersName(name string) bool {
	return slices.ContainsFunc([]string{"_total", "_sum", "_count", "_bucket"}, func(end string) bool { return strings.HasSuffix(name, end) })
}

// stand is a selector of the last result.
func (p *pushing) stand(c *candidate) parser.Expr {
	number := strconv.Itoa(len(p.results) - 1)
	return &parser.VectorSelector{
		LabelMatchers: []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, pushedLabel, number)},
		PosRange:      c.expr.PositionRange(),
	}
}
