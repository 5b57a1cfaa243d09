SELECT series_id, toUnixTimestamp64Milli(timestamp) AS ms, toUnixTimestamp64Milli(start_timestamp), flags, count, sum, bitTest(present, 0) = 1, explicit_bounds, bucket_counts, scale, zero_count, zero_threshold, positive_offset, positive_bucket_counts, negative_offset, negative_bucket_counts, quantiles, quantile_values FROM metric_histogram_samples WHERE (workspace_id = {p1:UUID}) AND (tenant_id = {p2:UUID}) AND (series_id IN (SELECT series_id FROM metric_series WHERE (workspace_id = {p1:UUID}) AND (tenant_id = {p2:UUID}) AND (multiIf(mapContains(resource_attributes, {p3:String}), resource_attributes[{p3:String}] IN {p4:Array(String)}, mapContains(attributes, {p3:String}), attributes[{p3:String}] IN {p4:Array(String)}, false)))) AND (metric_name IN {p5:Array(String)}) AND (series_id IN {p6:Array(UInt64)}) AND (timestamp >= {p7:DateTime64(9, 'UTC')} AND timestamp < {p8:DateTime64(9, 'UTC')}) ORDER BY metric_name, series_id, ms, count LIMIT 1001
-- p1 = a0000000-0000-0000-0000-000000000000
-- p2 = a1000000-0000-0000-0000-000000000000
-- p3 = team
-- p4 = ['a','b']
-- p5 = ['requests']
-- p6 = [1,2]
-- p7 = 2026-01-02 03:00:00.000000000
-- p8 = 2026-01-02 04:00:00.000000000
