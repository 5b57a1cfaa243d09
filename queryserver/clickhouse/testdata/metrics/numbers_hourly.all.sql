SELECT toString(metric_name) AS metric, labels, groupArray(number), groupArray(result) FROM (SELECT metric_name, [toString(service_name)] AS labels, number, sum(part) / sum(part_count) AS result FROM (SELECT metric_name, service_name, intDiv(toUnixTimestamp64Nano(timestamp) - {p1:Int64}, {p2:Int64}) AS number, sum(value) AS part, count() AS part_count FROM metric_samples WHERE (workspace_id = {p3:UUID}) AND (tenant_id = {p4:UUID}) AND (timestamp >= {p5:DateTime64(9, 'UTC')} AND timestamp < {p6:DateTime64(9, 'UTC')}) AND (NOT bitTest(flags, 0)) GROUP BY metric_name, service_name, number) GROUP BY metric_name, labels, number) GROUP BY metric_name, labels ORDER BY metric, labels LIMIT 101
-- p1 = 1767322800000000000
-- p2 = 3600000000000
-- p3 = a0000000-0000-0000-0000-000000000000
-- p4 = a1000000-0000-0000-0000-000000000000
-- p5 = 2026-01-02 03:00:00.000000000
-- p6 = 2026-01-02 04:00:00.000000000
