SELECT series_id, metric_name, toString(kind), unit, description, temporality, is_monotonic, service_name, scope_name, CAST(attributes, 'Map(String, String)'), CAST(resource_attributes, 'Map(String, String)') FROM metric_series WHERE (workspace_id = {p1:UUID}) AND (tenant_id = {p2:UUID}) AND (multiIf(mapContains(resource_attributes, {p3:String}), resource_attributes[{p3:String}] IN {p4:Array(String)}, mapContains(attributes, {p3:String}), attributes[{p3:String}] IN {p4:Array(String)}, false)) AND (metric_name = {p5:String}) AND (day >= {p6:Date} AND day <= {p6:Date}) AND (series_id IN {p7:Array(UInt64)}) LIMIT 1 BY series_id
-- p1 = a0000000-0000-0000-0000-000000000000
-- p2 = a1000000-0000-0000-0000-000000000000
-- p3 = team
-- p4 = ['a','b']
-- p5 = hits
-- p6 = 2026-01-02
-- p7 = [1,2]
