SELECT series_id, metric_name, toString(kind), unit, description, temporality, is_monotonic, service_name, scope_name, CAST(attributes, 'Map(String, String)'), CAST(resource_attributes, 'Map(String, String)') FROM metric_series WHERE (workspace_id = {p1:UUID}) AND (tenant_id = {p2:UUID}) AND (service_name IN {p3:Array(String)}) AND (metric_name = {p4:String}) AND (day >= {p5:Date} AND day <= {p5:Date}) AND (series_id IN {p6:Array(UInt64)}) LIMIT 1 BY series_id
-- p1 = a0000000-0000-0000-0000-000000000000
-- p2 = a1000000-0000-0000-0000-000000000000
-- p3 = ['shop']
-- p4 = hits
-- p5 = 2026-01-02
-- p6 = [1,2]
