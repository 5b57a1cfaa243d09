package promql

import (
	"context"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// ask completes a question with the series of a candidate and the groups that they belong
// to, of which it gives the labels, and the names of the metrics. False: they are not all
// plain numbers, or several become one.
func (p *pushing) ask(ctx context.Context, c *candidate, q *queryserver.GridQuestion) (groups []labels.Labels, names []string, can bool, err error) {
	in := between(q.From-q.Window+1, q.From+int64(q.Steps-1)*q.Step)
	if !in.From.Before(in.To) {
		return nil, nil, false, nil
	}
	shown, err := p.own.metrics(ctx, in)
	if err != nil || nameMatches(targetInfo, c.selector.LabelMatchers) {
		return nil, nil, false, err
	}
	chosen := named(shown, c.selector.LabelMatchers)
	for _, m := range chosen {
		if m.family.Delta || m.family.Kind != queryserver.GaugeSeries && m.family.Kind != queryserver.SumSeries {
			return nil, nil, false, nil
		}
	}
	stored, err := p.own.stored(ctx, in, chosen, c.selector.LabelMatchers)
	if err != nil {
		return nil, nil, false, err
	}
	g := &grouping{candidate: c, names: p.own.names, seen: make(map[string]bool), byKey: make(map[string]uint32), metrics: make(map[string]bool)}
	byFamily := make(map[queryserver.SeriesFamily]string)
	for _, m := range chosen {
		byFamily[m.family] = m.name
	}
	for i := range stored {
		if name, has := byFamily[stored[i].SeriesFamily]; has && !g.add(name, &stored[i], q) {
			return nil, nil, false, nil
		}
	}
	q.Metrics = otlpNames(chosen)
	for name := range g.metrics {
		names = append(names, name)
	}
	// Which of several names had results is not told, and so not whom to warn of.
	return g.labels, names, len(names) <= 1 || c.function != "rate" && c.function != "increase", nil
}

// grouping gives series to groups.
type grouping struct {
	*candidate

	names   *names
	seen    map[string]bool
	byKey   map[string]uint32
	labels  []labels.Labels
	metrics map[string]bool
}

// add is false when a series with the same labels was there before.
func (g *grouping) add(name string, s *queryserver.StoredSeries, q *queryserver.GridQuestion) bool {
	all := g.names.series(name, s)
	if !matchesAll(all, g.selector.LabelMatchers) {
		return true
	}
	whole := string(all.Bytes(nil))
	if g.seen[whole] {
		return false
	}
	g.seen[whole] = true
	g.metrics[name] = true
	kept := g.group(all)
	key := string(kept.Bytes(nil))
	group, known := g.byKey[key]
	if !known {
		group = uint32(len(g.labels))
		g.byKey[key] = group
		g.labels = append(g.labels, kept)
	}
	if known && g.aggregation == nil {
		return false // without their names they are one: the engine says so
	}
	q.Series, q.Groups = append(q.Series, s.ID), append(q.Groups, group)
	return true
}

// group are the labels of a series after the candidate.
func (g *grouping) group(all labels.Labels) labels.Labels {
	b := labels.NewBuilder(all)
	switch {
	case g.aggregation == nil && g.function == "last_over_time":
	case g.aggregation == nil:
		b.Del(model.MetricNameLabel)
	case g.aggregation.Without:
		b.Del(g.aggregation.Grouping...).Del(model.MetricNameLabel)
	default:
		b.Keep(g.aggregation.Grouping...)
	}
	return b.Labels()
}

// answerOf makes series of rows: at each time of the query a value, or the end of the
// series, so that the engine never looks back to an older one.
func answerOf(rows []queryserver.GridRow, groups []labels.Labels, grid queryserver.Grid, offset int64) []*series {
	var found []*series
	for _, row := range rows {
		s := &samples{}
		some := false
		for i, value := range row.Values {
			at := grid.From + offset + int64(i)*grid.Step
			if value == nil {
				s.number(at, 0, stale())
				continue
			}
			some = true
			s.number(at, 0, *value)
		}
		if some {
			found = append(found, &series{groups[row.Group], s})
		}
	}
	return found
}
