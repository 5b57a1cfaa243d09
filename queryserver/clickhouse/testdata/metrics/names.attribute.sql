SELECT toString(metric_name) AS name, toString(kind) AS kind_name, toString(anyLast(unit)), anyLast(description), arraySort(groupUniqArray(100)(toString(service_name))), min(day), max(day) FROM metric_series WHERE (workspace_id = {p1:UUID}) AND (tenant_id = {p2:UUID}) AND (multiIf(mapContains(resource_attributes, {p3:String}), resource_attributes[{p3:String}] IN {p4:Array(String)}, mapContains(attributes, {p3:String}), attributes[{p3:String}] IN {p4:Array(String)}, false)) AND (service_name IN {p5:Array(String)}) AND (day >= {p6:Date} AND day <= {p6:Date}) AND (startsWith(metric_name, {p7:String})) AND ((metric_name, toString(kind)) > ({p8:String}, {p9:String})) GROUP BY name, kind_name ORDER BY name, kind_name LIMIT 51
-- p1 = a0000000-0000-0000-0000-000000000000
-- p2 = a1000000-0000-0000-0000-000000000000
-- p3 = team
-- p4 = ['a','b']
-- p5 = ['shop']
-- p6 = 2026-01-02
-- p7 = http.
-- p8 = http.a
-- p9 = sum
