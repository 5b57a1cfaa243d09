SELECT toString(metric_name) AS metric, labels, groupArray(number), groupArray(result) FROM (SELECT metric_name, labels, number, toFloat64(sum(part)) AS result FROM (SELECT metric_name, series_id, intDiv(toInt64(toUnixTimestamp(bucket)) - {p1:Int64}, {p2:Int64}) AS number, sum(count) AS part FROM (SELECT metric_name, service_name, series_id, bucket, count, sum, min, max, increase FROM metric_rollup_5m WHERE (workspace_id = {p3:UUID}) AND (tenant_id = {p4:UUID}) AND (metric_name = {p5:String}) AND (series_id != 0) AND (bucket >= {p6:DateTime64(9, 'UTC')} AND bucket < {p7:DateTime64(9, 'UTC')}) ORDER BY metric_name, series_id, bucket, version DESC LIMIT 1 BY metric_name, series_id, bucket) GROUP BY metric_name, series_id, number) AS p INNER JOIN (SELECT series_id, [attributes[{p8:String}]] AS labels, kind, temporality, is_monotonic FROM metric_series WHERE (workspace_id = {p3:UUID}) AND (tenant_id = {p4:UUID}) AND (metric_name = {p5:String}) AND (day >= {p9:Date} AND day <= {p9:Date}) LIMIT 1 BY series_id) AS r USING (series_id) GROUP BY metric_name, labels, number) GROUP BY metric_name, labels ORDER BY metric, labels LIMIT 101
-- p1 = 1767322800
-- p2 = 3600
-- p3 = a0000000-0000-0000-0000-000000000000
-- p4 = a1000000-0000-0000-0000-000000000000
-- p5 = hits
-- p6 = 2026-01-02 03:00:00.000000000
-- p7 = 2026-01-02 04:00:00.000000000
-- p8 = method
-- p9 = 2026-01-02
