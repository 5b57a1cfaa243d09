SELECT toUnixTimestamp64Nano(min(start_time)), toUnixTimestamp64Nano(max(end_time)), sum(span_count) FROM traces WHERE (workspace_id = {p1:UUID}) AND (tenant_id = {p2:UUID}) AND (trace_id = toFixedString(unhex({p3:String}), 16)) AND (day >= {p4:Date} AND day <= {p4:Date})
-- p1 = a0000000-0000-0000-0000-000000000000
-- p2 = a1000000-0000-0000-0000-000000000000
-- p3 = ab000000000000000001000000000000
-- p4 = 2026-01-02
