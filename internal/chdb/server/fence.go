package server

import (
	"io"
	"maps"
	"strings"

	"github.com/telemetryflow/telemetryflow/internal/chdb"
	"github.com/telemetryflow/telemetryflow/internal/chdb/statement"
)

func newFence(engine *chdb.Engine, options Options) (*statement.Fence, error) {
	if options.AllowOutside {
		return nil, nil
	}
	functions, engines, err := engine.Names()
	if err != nil {
		return nil, err
	}
	return statement.NewFence(functions, engines), nil
}

// stayInside refuses what would reach files, the network or other programs:
// the engine has no user whose grants could be taken away.
func (e *execution) stayInside() error {
	fence := e.server.fence
	if fence == nil {
		return nil
	}
	text := e.text
	if e.statement.Kind == statement.InsertData {
		text = text[:min(e.statement.Data, len(text))]
	}
	if err := denied(fence.Check(text)); err != nil {
		return err
	}
	if strings.EqualFold(e.insertFormat(), "Values") {
		if err := e.checkValues(fence); err != nil {
			return err
		}
	}
	for _, u := range e.uploads {
		table := e.call.tables[u.name]
		if err := denied(fence.Check("CREATE TABLE t (" + table.columns() + ")")); err != nil {
			return err
		}
	}
	return e.checkNames(fence, text)
}

// checkNames judges what comes beside the statement's text.
func (e *execution) checkNames(fence *statement.Fence, text string) error {
	settings := maps.Clone(e.call.settings)
	maps.Copy(settings, e.statement.Changes)
	for name, value := range settings {
		if err := denied(fence.CheckSetting(name, value)); err != nil {
			return err
		}
	}
	if !statement.TakesIdentifier(text) {
		return nil
	}
	for _, value := range e.call.parameters {
		if strings.ContainsAny(value, `/\`) {
			return denied("a parameter that is a name has a slash, and would read a file of the engine's machine")
		}
	}
	return nil
}

// insertFormat is the format of an INSERT's data, or "".
func (e *execution) insertFormat() string {
	switch {
	case e.statement.Kind != statement.InsertData:
		return ""
	case e.statement.Format != "":
		return e.statement.Format
	default:
		return e.call.format
	}
}

// checkValues reads all of the data: a value can be an expression.
func (e *execution) checkValues(fence *statement.Fence) error {
	limit := e.server.options.MaxQuery
	data, err := io.ReadAll(io.LimitReader(e.body, limit+1))
	if err != nil {
		return err
	}
	if int64(len(data)) > limit {
		return chdb.NewException(chdb.CodeQueryTooLarge, "QUERY_IS_TOO_LARGE", "VALUES are longer than --max-query: %d bytes: send them in parts, or in another format, such as JSONEachRow", limit)
	}
	e.body = strings.NewReader(string(data))
	return denied(fence.Check(string(data)))
}

func denied(reason string) error {
	if reason == "" {
		return nil
	}
	return chdb.NewException(chdb.CodeAccessDenied, "ACCESS_DENIED", "Not enough privileges: %s. Only an engine started with --allow-outside takes such statements", reason)
}
