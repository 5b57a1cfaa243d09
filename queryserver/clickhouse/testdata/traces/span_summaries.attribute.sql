SELECT lower(hex(trace_id)), toUnixTimestamp64Nano(min(timestamp)), max(toUnixTimestamp64Nano(timestamp) + toInt64(duration_nano)), count(), countIf(status_code = 2), argMin(toString(service_name), (NOT parent_span_id = toFixedString('', 8), timestamp)), argMin(toString(span_name), (NOT parent_span_id = toFixedString('', 8), timestamp)), countIf(parent_span_id = toFixedString('', 8)) = 0, groupUniqArray(toString(service_name)) FROM spans WHERE (workspace_id = {p1:UUID}) AND (tenant_id = {p2:UUID}) AND (multiIf(mapContains(resource_attributes, {p3:String}), resource_attributes[{p3:String}] IN {p4:Array(String)}, mapContains(span_attributes, {p3:String}), span_attributes[{p3:String}] IN {p4:Array(String)}, false)) AND (timestamp >= {p5:DateTime64(9, 'UTC')} AND timestamp < {p6:DateTime64(9, 'UTC')}) AND (trace_id IN (SELECT toFixedString(unhex(arrayJoin({p7:Array(String)})), 16))) GROUP BY trace_id
-- p1 = a0000000-0000-0000-0000-000000000000
-- p2 = a1000000-0000-0000-0000-000000000000
-- p3 = team
-- p4 = ['a','b']
-- p5 = 2026-01-02 02:00:00.000000000
-- p6 = 2026-01-02 05:00:00.000000000
-- p7 = ['ab000000000000000001000000000000','ab000000000000000002000000000000']
