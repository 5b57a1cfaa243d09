SELECT metric_name, series_id, reinterpretAsUInt64(toUnixTimestamp64Nano(timestamp)), reinterpretAsUInt64(toUnixTimestamp64Nano(start_timestamp)), flags, value FROM metric_samples WHERE (workspace_id = {p1:UUID}) AND (tenant_id = {p2:UUID}) AND (metric_name = {p3:String}) AND (timestamp >= {p4:DateTime64(9, 'UTC')} AND timestamp < {p5:DateTime64(9, 'UTC')}) AND (metric_name >= {p3:String}) AND ((metric_name, series_id, timestamp) > ({p3:String}, {p6:UInt64}, {p4:DateTime64(9, 'UTC')})) ORDER BY metric_name, series_id, timestamp LIMIT 5000 WITH TIES
-- p1 = a0000000-0000-0000-0000-000000000000
-- p2 = a1000000-0000-0000-0000-000000000000
-- p3 = hits
-- p4 = 2026-01-02 03:00:00.000000000
-- p5 = 2026-01-02 04:00:00.000000000
-- p6 = 1
