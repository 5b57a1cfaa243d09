package server

import (
	"context"
	"maps"

	"github.com/telemetryflow/telemetryflow/internal/chdb"
	"github.com/telemetryflow/telemetryflow/internal/chdb/statement"
)

// class is the pool a statement belongs to.
func (e *execution) class() chdb.Class {
	switch e.statement.Kind {
	case statement.InsertData:
		return chdb.Inserts
	case statement.Select, statement.Read:
		if e.call.settings["workload"] == exportWorkload {
			return chdb.Others
		}
		return chdb.Queries
	default:
		return chdb.Others
	}
}

// exportWorkload is the value of ClickHouse's workload setting that keeps long
// reads away from the queries that people wait for.
const exportWorkload = "export"

// borrow takes a connection, a session's own or a free one, and sets it up.
func (e *execution) borrow(ctx context.Context) (func(), error) {
	if e.call.session == "" {
		return e.lend(ctx, e.call.database, e.call.settings)
	}
	sessions := e.server.sessions
	known, err := sessions.enter(e.call)
	if err != nil {
		return nil, err
	}
	leave := func() { sessions.leave(known, e.call.closeSession) }
	if e.lease, err = sessions.connection(ctx, known, e.statement.Temporary); err != nil {
		leave()
		return nil, err
	}
	database, settings := known.state(e.call)
	if e.lease != nil {
		err = e.adopt(database, settings)
	} else {
		var release func()
		if release, err = e.lend(ctx, database, settings); err == nil {
			leave = func() { release(); sessions.leave(known, e.call.closeSession) }
		}
	}
	if err != nil {
		leave()
		return nil, err
	}
	known.keep(e.statement)
	return leave, nil
}

// lend borrows a free connection.
func (e *execution) lend(ctx context.Context, database string, settings chdb.Settings) (func(), error) {
	lease, err := e.server.engine.Acquire(ctx, e.class())
	if err != nil {
		return nil, err
	}
	if e.statement.Temporary {
		lease.KeepsTemporary()
	}
	e.lease = lease
	if err := e.adopt(database, settings); err != nil {
		lease.Release()
		return nil, err
	}
	return lease.Release, nil
}

// adopt sets the connection up: SET and USE are no more than that.
func (e *execution) adopt(database string, settings chdb.Settings) error {
	if len(e.statement.Changes) > 0 {
		settings = maps.Clone(settings)
		maps.Copy(settings, e.statement.Changes)
	}
	if e.statement.Kind == statement.Use {
		database = e.statement.Database
	}
	return e.lease.Adopt(database, settings)
}
