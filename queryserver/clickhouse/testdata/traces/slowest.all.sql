SELECT lower(hex(trace_id)), max(toUnixTimestamp64Nano(timestamp) + toInt64(duration_nano)) - toUnixTimestamp64Nano(min(timestamp)) AS position FROM spans WHERE (workspace_id = {p1:UUID}) AND (tenant_id = {p2:UUID}) AND (timestamp >= {p3:DateTime64(9, 'UTC')} AND timestamp < {p4:DateTime64(9, 'UTC')}) GROUP BY trace_id HAVING position < {p5:Int64} OR position = {p5:Int64} AND trace_id < toFixedString(unhex({p6:String}), 16) ORDER BY position DESC, trace_id DESC LIMIT 51
-- p1 = a0000000-0000-0000-0000-000000000000
-- p2 = a1000000-0000-0000-0000-000000000000
-- p3 = 2026-01-02 03:00:00.000000000
-- p4 = 2026-01-02 04:00:00.000000000
-- p5 = 1767322800000000000
-- p6 = ab000000000000000001000000000000
