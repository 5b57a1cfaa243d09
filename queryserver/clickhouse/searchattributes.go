package clickhouse

import (
	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// attributes are two maps: of texts, and of the types of those that are not strings.
type attributes struct {
	values, types chsql.Expr
	// items is what the bloom filter holds, written as in its definition; nothing without.
	items chsql.Expr
}

func resourceAttributes() attributes {
	return attributes{values: chsql.SQL("resource_attributes"), types: chsql.SQL("resource_attribute_types")}
}

// attributeColumn is an attribute by its key.
type attributeColumn struct {
	in  attributes
	key string
}

func (c attributeColumn) present() chsql.Expr {
	return chsql.SQL("mapContains(?, ?)", c.in.values, chsql.String(c.key))
}

func (c attributeColumn) text() chsql.Expr {
	return chsql.SQL("toString(?[?])", c.in.values, chsql.String(c.key))
}

func (c attributeColumn) compare(m *queryserver.Match) (chsql.Expr, error) {
	key := chsql.String(c.key)
	x, types := chsql.SQL("?[?]", c.in.values, key), chsql.SQL("?[?]", c.in.types, key)
	return chsql.And(c.indexed(m), c.present(), compareText(x, types, m)), nil
}

// indexable says whether the bloom filter can tell what a match needs.
func (c attributeColumn) indexable(m *queryserver.Match) bool {
	if c.in.items.IsZero() || m.Is != queryserver.Contains && m.Is != queryserver.Equal {
		return false
	}
	for _, v := range m.Any {
		if v.Prefix {
			return false
		}
	}
	return true
}

// indexed is a condition that the match implies and that the bloom filter can judge.
func (c attributeColumn) indexed(m *queryserver.Match) chsql.Expr {
	if !c.indexable(m) {
		return chsql.Expr{}
	}
	var items []string
	for _, v := range m.Any {
		for _, text := range spellings(v) {
			items = append(items, c.key+"="+text)
		}
	}
	return chsql.SQL("hasAny(?, ?)", c.in.items, chsql.Strings(items))
}

// itemColumn is an attribute by its key alone: of the item, else of its resource.
type itemColumn struct {
	own, resource attributeColumn
	// inResource asks whether any row in question has the key in its resource. It is asked
	// before the rows are read; when none has, the filter of the item's own attributes
	// decides alone, which an alternative without a filter would not let it.
	inResource func(key string) (chsql.Expr, error)
}

func (c itemColumn) present() chsql.Expr { return chsql.Or(c.own.present(), c.resource.present()) }

func (c itemColumn) text() chsql.Expr {
	return chsql.SQL("if(?, ?, ?)", c.own.present(), c.own.text(), c.resource.text())
}

func (c itemColumn) compare(m *queryserver.Match) (chsql.Expr, error) {
	own, err := c.own.compare(m)
	if err != nil {
		return own, err
	}
	resource, err := c.resource.compare(m)
	if err != nil {
		return resource, err
	}
	var asked chsql.Expr
	if c.own.indexable(m) {
		if asked, err = c.inResource(c.own.key); err != nil {
			return asked, err
		}
	}
	return chsql.Or(own, chsql.And(asked, chsql.Not(c.own.present()), resource)), nil
}

// inResource makes the question of itemColumn for a table and a time range.
func inResource(r *reading, from *table, in queryserver.TimeRange) func(key string) (chsql.Expr, error) {
	return func(key string) (chsql.Expr, error) {
		any, err := r.of(from)
		if err != nil {
			return chsql.Expr{}, err
		}
		any.Columns, any.Limit = chsql.List{chsql.SQL("1")}, 1
		any.Where = append(any.Where, within(in), chsql.SQL("mapContains(resource_attributes, ?)", chsql.String(key)))
		return chsql.SQL("(SELECT count() FROM (?)) > 0", any.Expr()), nil
	}
}
