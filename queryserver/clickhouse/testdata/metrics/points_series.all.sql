SELECT series_id, metric_name, toString(kind), unit, description, temporality, is_monotonic, service_name, scope_name, CAST(attributes, 'Map(String, String)'), CAST(resource_attributes, 'Map(String, String)') FROM metric_series WHERE (workspace_id = {p1:UUID}) AND (tenant_id = {p2:UUID}) AND (metric_name = {p3:String}) AND (day >= {p4:Date} AND day <= {p4:Date}) AND (series_id IN {p5:Array(UInt64)}) LIMIT 1 BY series_id
-- p1 = a0000000-0000-0000-0000-000000000000
-- p2 = a1000000-0000-0000-0000-000000000000
-- p3 = hits
-- p4 = 2026-01-02
-- p5 = [1,2]
