package clickhouse

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/telemetryflow/telemetryflow/internal/chsql"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// permissionOf is what a call needs to read a signal.
func permissionOf(signal queryserver.Signal) queryserver.Permission {
	switch signal {
	case queryserver.Metrics:
		return queryserver.MetricsRead
	case queryserver.Logs:
		return queryserver.LogsRead
	default:
		return queryserver.TracesRead
	}
}

// Services are those that have sent items of a time range, by name, with what the call may
// read of them. It counts whole hours: those that the range touches.
func (s *Store) Services(ctx context.Context, scope queryserver.Scope, in queryserver.TimeRange) ([]queryserver.Service, error) {
	found := make(map[string]*queryserver.Service)
	for _, signal := range []queryserver.Signal{queryserver.Metrics, queryserver.Logs, queryserver.Traces} {
		if !scope.Allows(permissionOf(signal)) {
			continue
		}
		if err := s.addServices(ctx, scope, signal, in, found); err != nil {
			return nil, err
		}
	}
	services := make([]queryserver.Service, 0, len(found))
	for _, service := range found {
		services = append(services, *service)
	}
	slices.SortFunc(services, func(a, b queryserver.Service) int { return cmp.Compare(a.Name, b.Name) })
	return services, nil
}

func (s *Store) addServices(ctx context.Context, scope queryserver.Scope, signal queryserver.Signal, in queryserver.TimeRange, found map[string]*queryserver.Service) error {
	r, query, err := servicesQuery(scope, signal, in)
	if err != nil {
		return err
	}
	return s.ask(ctx, r, query, func(rows driver.Rows) error {
		var name string
		var items uint64
		var first, last time.Time
		if err := rows.Scan(&name, &items, &first, &last); err != nil {
			return err
		}
		service := found[name]
		if service == nil {
			service = &queryserver.Service{Name: name, Items: make(map[queryserver.Signal]uint64), FirstSeen: first, LastSeen: last}
			found[name] = service
		}
		service.Items[signal] += items
		service.FirstSeen, service.LastSeen = earlier(service.FirstSeen, first), later(service.LastSeen, last)
		return nil
	})
}

// servicesQuery reads the list that materialized views keep, or the rows themselves where
// the caller's filter has dimensions that the list has not.
func servicesQuery(scope queryserver.Scope, signal queryserver.Signal, in queryserver.TimeRange) (*reading, chsql.Select, error) {
	r, err := read(scope, permissionOf(signal))
	if err != nil {
		return nil, chsql.Select{}, err
	}
	base := map[queryserver.Signal]*table{queryserver.Metrics: samples(), queryserver.Logs: logs(), queryserver.Traces: spans()}[signal]
	list := serviceActivity()
	query, from, err := r.first(list, base)
	if err != nil {
		return nil, chsql.Select{}, err
	}
	query.Columns = chsql.List{chsql.SQL("service_name")}
	if from == list {
		query.Columns = append(query.Columns, chsql.SQL("sum(item_count)"), chsql.SQL("min(first_seen)"), chsql.SQL("max(last_seen)"))
		query.Where = append(query.Where, chsql.SQL("signal = ?", chsql.String(string(signal))),
			chsql.SQL("hour >= toStartOfHour(?)", chsql.Time(in.From)), chsql.SQL("hour < ?", chsql.Time(in.To)))
	} else {
		query.Columns = append(query.Columns, chsql.SQL("count()"), chsql.SQL("min(timestamp)"), chsql.SQL("max(timestamp)"))
		query.Where = append(query.Where, within(in))
	}
	query.GroupBy = chsql.List{chsql.SQL("service_name")}
	return r, query, nil
}

// within is the time range on rows.
func within(in queryserver.TimeRange) chsql.Expr {
	return chsql.SQL("timestamp >= ? AND timestamp < ?", chsql.Time(in.From), chsql.Time(in.To))
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
