SELECT metric_name, series_id, reinterpretAsUInt64(toUnixTimestamp64Nano(timestamp)), reinterpretAsUInt64(toUnixTimestamp64Nano(start_timestamp)), flags, value FROM metric_samples WHERE (workspace_id = {p1:UUID}) AND (tenant_id = {p2:UUID}) AND (series_id IN (SELECT series_id FROM metric_series WHERE (workspace_id = {p1:UUID}) AND (tenant_id = {p2:UUID}) AND (multiIf(mapContains(resource_attributes, {p3:String}), resource_attributes[{p3:String}] IN {p4:Array(String)}, mapContains(attributes, {p3:String}), attributes[{p3:String}] IN {p4:Array(String)}, false)))) AND (metric_name = {p5:String}) AND (timestamp >= {p6:DateTime64(9, 'UTC')} AND timestamp < {p7:DateTime64(9, 'UTC')}) AND (metric_name >= {p5:String}) AND ((metric_name, series_id, timestamp) > ({p5:String}, {p8:UInt64}, {p6:DateTime64(9, 'UTC')})) ORDER BY metric_name, series_id, timestamp LIMIT 5000 WITH TIES
-- p1 = a0000000-0000-0000-0000-000000000000
-- p2 = a1000000-0000-0000-0000-000000000000
-- p3 = team
-- p4 = ['a','b']
-- p5 = hits
-- p6 = 2026-01-02 03:00:00.000000000
-- p7 = 2026-01-02 04:00:00.000000000
-- p8 = 1
