SELECT metric_name, series_id, reinterpretAsUInt64(toUnixTimestamp64Nano(sample_timestamp)), reinterpretAsUInt64(toUnixTimestamp64Nano(timestamp)), value, value_int, toString(value_type), trace_id, span_id, [CAST(mapKeys(filtered_attributes), 'Array(String)'), CAST(mapValues(filtered_attributes), 'Array(String)'), CAST(mapKeys(filtered_attribute_types), 'Array(String)'), CAST(mapValues(filtered_attribute_types), 'Array(String)')] FROM exemplars WHERE (workspace_id = {p1:UUID}) AND (tenant_id = {p2:UUID}) AND (service_name IN {p3:Array(String)}) AND (metric_name = {p4:String}) AND (sample_timestamp >= {p5:DateTime64(9, 'UTC')} AND sample_timestamp < {p6:DateTime64(9, 'UTC')}) AND (metric_name >= {p4:String} AND metric_name <= {p4:String}) AND ((metric_name, series_id, sample_timestamp) >= ({p4:String}, {p7:UInt64}, {p5:DateTime64(9, 'UTC')})) AND ((metric_name, series_id, sample_timestamp) <= ({p4:String}, {p7:UInt64}, {p5:DateTime64(9, 'UTC')})) ORDER BY metric_name, series_id, sample_timestamp, position
-- p1 = a0000000-0000-0000-0000-000000000000
-- p2 = a1000000-0000-0000-0000-000000000000
-- p3 = ['shop']
-- p4 = hits
-- p5 = 2026-01-02 03:00:00.000000000
-- p6 = 2026-01-02 04:00:00.000000000
-- p7 = 1
