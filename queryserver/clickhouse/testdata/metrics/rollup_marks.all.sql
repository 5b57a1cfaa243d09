SELECT toUInt64(length(arrayFilter((second, number) -> second = {p1:Int64} + 300 * (toInt64(number) - 1), arraySort(groupArray(second)) AS seconds, arrayEnumerate(seconds)))) FROM (SELECT toInt64(toUnixTimestamp(bucket)) AS second FROM metric_rollup_5m WHERE (workspace_id = {p2:UUID}) AND (tenant_id = {p3:UUID}) AND (metric_name = '' AND series_id = 0) AND (bucket >= {p4:DateTime64(9, 'UTC')} AND bucket < {p5:DateTime64(9, 'UTC')}) GROUP BY bucket HAVING argMax(count, version) > 0)
-- p1 = 1767322800
-- p2 = a0000000-0000-0000-0000-000000000000
-- p3 = a1000000-0000-0000-0000-000000000000
-- p4 = 2026-01-02 03:00:00.000000000
-- p5 = 2026-01-02 04:00:00.000000000
