SELECT toUnixTimestamp64Nano(min(timestamp)), max(toUnixTimestamp64Nano(timestamp) + toInt64(duration_nano)), count() FROM spans WHERE (workspace_id = {p1:UUID}) AND (tenant_id = {p2:UUID}) AND (service_name IN {p3:Array(String)}) AND (trace_id = toFixedString(unhex({p4:String}), 16)) AND (timestamp >= {p5:DateTime64(9, 'UTC')} AND timestamp < {p6:DateTime64(9, 'UTC')})
-- p1 = a0000000-0000-0000-0000-000000000000
-- p2 = a1000000-0000-0000-0000-000000000000
-- p3 = ['shop']
-- p4 = ab000000000000000001000000000000
-- p5 = 2026-01-02 03:00:00.000000000
-- p6 = 2026-01-02 04:00:00.000000000
