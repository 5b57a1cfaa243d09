SELECT toString(metric_name) AS metric, labels, groupArray(number), groupArray(result) FROM (SELECT metric_name, labels, number, min(part) AS result FROM (SELECT metric_name, series_id, intDiv(toUnixTimestamp64Nano(timestamp) - {p1:Int64}, {p2:Int64}) AS number, min(min) AS part FROM metric_histogram_samples WHERE (workspace_id = {p3:UUID}) AND (tenant_id = {p4:UUID}) AND (metric_name = {p5:String}) AND (timestamp >= {p6:DateTime64(9, 'UTC')} AND timestamp < {p7:DateTime64(9, 'UTC')}) AND (NOT bitTest(flags, 0)) AND (bitTest(present, 1)) GROUP BY metric_name, series_id, number) AS p INNER JOIN (SELECT series_id, [attributes[{p8:String}]] AS labels, kind, temporality, is_monotonic FROM metric_series WHERE (workspace_id = {p3:UUID}) AND (tenant_id = {p4:UUID}) AND (metric_name = {p5:String}) AND (day >= {p9:Date} AND day <= {p9:Date}) LIMIT 1 BY series_id) AS r USING (series_id) GROUP BY metric_name, labels, number) GROUP BY metric_name, labels ORDER BY metric, labels LIMIT 101
-- p1 = 1767322800000000000
-- p2 = 3600000000000
-- p3 = a0000000-0000-0000-0000-000000000000
-- p4 = a1000000-0000-0000-0000-000000000000
-- p5 = hits
-- p6 = 2026-01-02 03:00:00.000000000
-- p7 = 2026-01-02 04:00:00.000000000
-- p8 = method
-- p9 = 2026-01-02
