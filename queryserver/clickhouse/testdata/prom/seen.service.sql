SELECT series_id, max(toUnixTimestamp64Milli(timestamp)) AS last FROM metric_samples WHERE (workspace_id = {p1:UUID}) AND (tenant_id = {p2:UUID}) AND (service_name IN {p3:Array(String)}) AND (metric_name IN {p4:Array(String)}) AND (series_id IN {p5:Array(UInt64)}) AND (timestamp >= {p6:DateTime64(9, 'UTC')} AND timestamp < {p7:DateTime64(9, 'UTC')}) GROUP BY series_id, intDiv(toUnixTimestamp64Milli(timestamp), {p8:Int64})
-- p1 = a0000000-0000-0000-0000-000000000000
-- p2 = a1000000-0000-0000-0000-000000000000
-- p3 = ['shop']
-- p4 = ['requests']
-- p5 = [1,2]
-- p6 = 2026-01-02 03:00:00.000000000
-- p7 = 2026-01-02 04:00:00.000000000
-- p8 = 60000
