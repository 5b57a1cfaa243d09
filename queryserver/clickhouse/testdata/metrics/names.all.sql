SELECT toString(metric_name) AS name, toString(kind) AS kind_name, toString(anyLast(unit)), anyLast(description), arraySort(groupUniqArray(100)(toString(service_name))), min(day), max(day) FROM metric_activity WHERE (workspace_id = {p1:UUID}) AND (tenant_id = {p2:UUID}) AND (service_name IN {p3:Array(String)}) AND (day >= {p4:Date} AND day <= {p4:Date}) AND (startsWith(metric_name, {p5:String})) AND ((metric_name, toString(kind)) > ({p6:String}, {p7:String})) GROUP BY name, kind_name ORDER BY name, kind_name LIMIT 51
-- p1 = a0000000-0000-0000-0000-000000000000
-- p2 = a1000000-0000-0000-0000-000000000000
-- p3 = ['shop']
-- p4 = 2026-01-02
-- p5 = http.
-- p6 = http.a
-- p7 = sum
