SELECT metric_name, service_name, series_id, reinterpretAsUInt64(toUnixTimestamp64Nano(timestamp)), reinterpretAsUInt64(toUnixTimestamp64Nano(start_timestamp)), flags, exemplar_trace_id, value, multiIf(value_type != 'int', 0, value_int != 0, value_int, toInt64(if(value >= 9223372036854775808., -9223372036854775808., value)) + value_residual), toString(value_type), cityHash64(start_timestamp, reinterpretAsUInt64(value), value_int, value_residual, value_type, flags, exemplar_trace_id) AS hash FROM metric_samples WHERE (workspace_id = {p1:UUID}) AND (tenant_id = {p2:UUID}) AND (service_name IN {p3:Array(String)}) AND (metric_name = {p4:String}) AND (timestamp >= {p5:DateTime64(9, 'UTC')} AND timestamp < {p6:DateTime64(9, 'UTC')}) ORDER BY timestamp DESC, series_id DESC, hash DESC LIMIT 51
-- p1 = a0000000-0000-0000-0000-000000000000
-- p2 = a1000000-0000-0000-0000-000000000000
-- p3 = ['shop']
-- p4 = hits
-- p5 = 2026-01-02 03:00:00.000000000
-- p6 = 2026-01-02 04:00:00.000000000
