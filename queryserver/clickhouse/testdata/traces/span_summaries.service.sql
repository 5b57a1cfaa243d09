SELECT lower(hex(trace_id)), toUnixTimestamp64Nano(min(timestamp)), max(toUnixTimestamp64Nano(timestamp) + toInt64(duration_nano)), count(), countIf(status_code = 2), argMin(toString(service_name), (NOT parent_span_id = toFixedString('', 8), timestamp)), argMin(toString(span_name), (NOT parent_span_id = toFixedString('', 8), timestamp)), countIf(parent_span_id = toFixedString('', 8)) = 0, groupUniqArray(toString(service_name)) FROM spans WHERE (workspace_id = {p1:UUID}) AND (tenant_id = {p2:UUID}) AND (service_name IN {p3:Array(String)}) AND (timestamp >= {p4:DateTime64(9, 'UTC')} AND timestamp < {p5:DateTime64(9, 'UTC')}) AND (trace_id IN (SELECT toFixedString(unhex(arrayJoin({p6:Array(String)})), 16))) GROUP BY trace_id
-- p1 = a0000000-0000-0000-0000-000000000000
-- p2 = a1000000-0000-0000-0000-000000000000
-- p3 = ['shop']
-- p4 = 2026-01-02 02:00:00.000000000
-- p5 = 2026-01-02 05:00:00.000000000
-- p6 = ['ab000000000000000001000000000000','ab000000000000000002000000000000']
