package cache

import (
	"context"
	"time"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// An answer of buckets over a time range is put together of answers to intervals: whole
// multiples of the step since 1970, so that ranges that slide share them. An interval that
// has ended a while ago is remembered under the generation of its own data, and so made
// old by hints of late data for it alone. What is younger, the tail, is asked again every
// ten seconds.
const (
	// intervalSteps is how many buckets an interval has: a sixth of the 240 of a dashboard,
	// so that the tail is short.
	intervalSteps = 40
	// tailAge is how long after its end an interval may still get data without a hint
	// being needed: batches take seconds.
	tailAge = time.Minute
	// openLife is how long what reaches into the present is remembered, in L1 and L2.
	openLife = 10 * time.Second
)

// kept are the views of one kind of answers: of what has ended, and of what reaches into
// the present.
type kept[T any] struct{ closed, open *View[answer[T]] }

func keptAnswers[T any](c *Cache, name string, live life) kept[T] {
	return kept[T]{answers[T](c, name, live), answers[T](c, name+":open", life{openLife, openLife})}
}

// ask gives the answer to a question as a whole.
func (k kept[T]) ask(ctx context.Context, t *Telemetry, scope queryserver.Scope, q question, load func(context.Context) (T, error)) (T, error) {
	view := k.closed
	if q.in.To.After(t.cache.now().Add(-tailAge)) {
		view = k.open
	}
	return ask(ctx, t, view, scope, q, load)
}

// division is how a question can be divided.
type division[T any] struct {
	// question has a range of whole steps. Its rest names everything else.
	question question
	step     time.Duration
	// before is how far data before an interval makes a difference to it.
	before time.Duration
	load   func(ctx context.Context, in queryserver.TimeRange) (T, error)
	// join makes one answer to a range of the answers to its parts, in order; of one
	// answer it takes the part within the range.
	join func(in queryserver.TimeRange, parts ...T) T
}

// askInParts gives the answer to a question by its intervals. Intervals that are not
// remembered and lie side by side are loaded at once. A cut answer cannot be divided: then
// the question is asked as a whole.
func (k kept[T]) askInParts(ctx context.Context, t *Telemetry, scope queryserver.Scope, d division[T]) (T, error) {
	p := partition[T]{kept: k, telemetry: t, scope: scope, division: d}
	whole := func() (T, error) {
		return k.ask(ctx, t, scope, d.about(d.question.in), func(ctx context.Context) (T, error) { return d.load(ctx, d.question.in) })
	}
	width := intervalSteps * d.step
	in, end := d.question.in, floor(t.cache.now().Add(-tailAge), width)
	if !in.From.Before(end) {
		return whole()
	}
	for from := floor(in.From, width); from.Before(in.To) && from.Before(end); from = from.Add(width) {
		if err := p.interval(ctx, queryserver.TimeRange{From: from, To: from.Add(width)}); err != nil {
			var none T
			return none, err
		}
	}
	if err := p.fill(ctx); err != nil {
		var none T
		return none, err
	}
	if in.To.After(end) {
		tail, err := p.ask(ctx, queryserver.TimeRange{From: end, To: in.To})
		if err != nil {
			return tail, err
		}
		p.parts = append(p.parts, tail)
	}
	if joined := d.join(in, p.parts...); !p.cut && !isCut(joined) {
		return joined, nil
	}
	return whole()
}

// about is the question about a part of its range. Data before it is part of what it
// depends on, but not of its key's range.
func (d division[T]) about(in queryserver.TimeRange) question {
	q := d.question
	q.in = in
	q.depends = queryserver.TimeRange{From: in.From.Add(-d.before), To: in.To.Add(-1)}
	return q
}

// partition is a question under way.
type partition[T any] struct {
	kept[T]
	division[T]
	telemetry *Telemetry
	scope     queryserver.Scope

	parts   []T
	missing []missing // side by side, after the parts
	cut     bool
}

type missing struct {
	in    queryserver.TimeRange
	place *vacancy
}

// interval takes an interval that is remembered, or notes that it is missing.
func (p *partition[T]) interval(ctx context.Context, in queryserver.TimeRange) error {
	key, err := p.telemetry.key(p.scope, p.about(in))
	if err != nil {
		return err
	}
	of := p.scope.Tenant().Tenant
	got, origin, place := p.closed.held(ctx, of, of.String()+":"+key)
	if place != nil {
		p.missing = append(p.missing, missing{in, place})
		return nil
	}
	if err := p.fill(ctx); err != nil {
		return err
	}
	queryserver.NoteOrigin(ctx, queryserver.Origin(origin.String()))
	p.parts = append(p.parts, got.Value)
	return nil
}

// fill loads the missing intervals and remembers each.
func (p *partition[T]) fill(ctx context.Context) error {
	if len(p.missing) == 0 {
		return nil
	}
	of := p.scope.Tenant().Tenant
	all, err := p.ask(ctx, queryserver.TimeRange{From: p.missing[0].in.From, To: p.missing[len(p.missing)-1].in.To})
	if err != nil {
		return err
	}
	p.cut = p.cut || isCut(all)
	for _, m := range p.missing {
		part := p.join(m.in, all)
		p.parts = append(p.parts, part)
		if !p.cut {
			p.closed.keep(ctx, m.place, answer[T]{of, part})
		}
	}
	p.missing = nil
	return nil
}

// ask loads a part, once for all who want the same at the moment.
func (p *partition[T]) ask(ctx context.Context, in queryserver.TimeRange) (T, error) {
	return ask(ctx, p.telemetry, p.open, p.scope, p.about(in), func(ctx context.Context) (T, error) { return p.load(ctx, in) })
}

// floor is the last multiple of a width since 1970 that is not after a time.
func floor(t time.Time, width time.Duration) time.Time {
	nanos := t.UnixNano()
	return time.Unix(0, nanos-(nanos%int64(width)+int64(width))%int64(width)).UTC()
}
