SELECT series_id, toUnixTimestamp64Milli(if(timestamp = toDateTime64(0, 9, 'UTC'), sample_timestamp, timestamp)) AS ms, value, if(trace_id = toFixedString('', 16), '', lower(hex(trace_id))), if(span_id = toFixedString('', 8), '', lower(hex(span_id))), filtered_attributes FROM exemplars WHERE (workspace_id = {p1:UUID}) AND (tenant_id = {p2:UUID}) AND (metric_name IN {p3:Array(String)}) AND (series_id IN {p4:Array(UInt64)}) AND (sample_timestamp >= {p5:DateTime64(9, 'UTC')} AND sample_timestamp < {p6:DateTime64(9, 'UTC')}) ORDER BY ms, series_id, sample_timestamp, position LIMIT 1001
-- p1 = a0000000-0000-0000-0000-000000000000
-- p2 = a1000000-0000-0000-0000-000000000000
-- p3 = ['requests']
-- p4 = [1,2]
-- p5 = 2026-01-02 03:00:00.000000000
-- p6 = 2026-01-02 04:00:00.000000000
