SELECT lower(hex(trace_id)), toUnixTimestamp64Nano(min(start_time)), toUnixTimestamp64Nano(max(end_time)), sum(span_count), sum(error_count), max(root_service_name) AS root, max(root_span_name) AS operation, root = '' AND operation = '', groupUniqArrayArray(services) FROM traces WHERE (workspace_id = {p1:UUID}) AND (tenant_id = {p2:UUID}) AND (day >= {p3:Date} AND day <= {p4:Date}) AND (trace_id IN (SELECT toFixedString(unhex(arrayJoin({p5:Array(String)})), 16))) GROUP BY trace_id
-- p1 = a0000000-0000-0000-0000-000000000000
-- p2 = a1000000-0000-0000-0000-000000000000
-- p3 = 2026-01-01
-- p4 = 2026-01-03
-- p5 = ['ab000000000000000001000000000000','ab000000000000000002000000000000']
