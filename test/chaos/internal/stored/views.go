package stored

import (
	"context"
	"fmt"
	"strings"

	"github.com/telemetryflow/telemetryflow/test/chaos/internal/load"
)

// Items counts the stored items of the streams with a prefix, by asking one small table:
// it may be asked at any moment.
func (e *Engine) Items(ctx context.Context, prefix string) (int, error) {
	return e.Int(ctx, "SELECT sum(item_count) FROM service_activity WHERE startsWith(service_name, '%s-')", prefix)
}

// view compares two counts that must be equal.
type view struct{ what, left, right string }

// Views says in which tables behind materialized views the rows of a prefix's streams
// are missing or doubled.
func (e *Engine) Views(ctx context.Context, prefix string) ([]string, error) {
	mine := fmt.Sprintf("startsWith(service_name, '%s-')", prefix)
	views := []view{
		{
			"traces_v3, in spans",
			"SELECT sum(span_count) FROM traces_v3 WHERE " + mine,
			"SELECT count() FROM spans_v3 WHERE " + mine,
		},
		{
			"metrics_v3, in rows",
			"SELECT count() FROM metrics_v3 WHERE " + mine + " AND resource_attributes['service.name'] = service_name",
			"SELECT count() FROM metric_samples WHERE " + mine,
		},
		{
			"metric_histograms, in rows",
			"SELECT count() FROM metric_histograms WHERE " + mine + " AND resource_attributes['service.name'] = service_name",
			"SELECT count() FROM metric_histogram_samples WHERE " + mine,
		},
		{
			"metric_series without a row of metric_activity",
			"SELECT count() FROM metric_series WHERE " + mine + " AND (metric_name, service_name, day) NOT IN (SELECT metric_name, service_name, day FROM metric_activity)",
			"SELECT 0",
		},
	}
	for _, kind := range load.Kinds() {
		of := fmt.Sprintf("%s AND service_name LIKE '%%-%s-%%'", mine, kind)
		views = append(views, view{
			"service_activity, in " + string(kind),
			"SELECT sum(item_count) FROM service_activity WHERE " + of,
			"SELECT count() FROM " + Table(kind) + " WHERE " + of,
		})
	}
	for _, samples := range [...]string{"metric_samples", "metric_histogram_samples"} {
		views = append(views, view{
			samples + " without a row of metric_series",
			"SELECT uniqExact(series_id, toDate(timestamp)) FROM " + samples + " WHERE " + mine +
				" AND (series_id, toDate(timestamp)) NOT IN (SELECT series_id, day FROM metric_series)",
			"SELECT 0",
		})
	}
	var faults []string
	for _, v := range views {
		text, err := e.Text(ctx, "%s", "SELECT toUInt64(("+v.left+")) AS l, toUInt64(("+v.right+")) AS r")
		if err != nil {
			return nil, err
		}
		left, right, _ := strings.Cut(text, "\t")
		if left != right {
			faults = append(faults, fmt.Sprintf("%s: %s instead of %s", v.what, left, right))
		}
	}
	return faults, nil
}
