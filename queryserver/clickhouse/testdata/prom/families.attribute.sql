SELECT metric_name, toString(kind) AS family_kind, unit, temporality = 1 AS delta, is_monotonic, argMax(description, day) FROM metric_series WHERE (workspace_id = {p1:UUID}) AND (tenant_id = {p2:UUID}) AND (multiIf(mapContains(resource_attributes, {p3:String}), resource_attributes[{p3:String}] IN {p4:Array(String)}, mapContains(attributes, {p3:String}), attributes[{p3:String}] IN {p4:Array(String)}, false)) AND (day >= {p5:Date} AND day <= {p5:Date}) GROUP BY metric_name, family_kind, unit, delta, is_monotonic ORDER BY metric_name, family_kind, unit, delta, is_monotonic
-- p1 = a0000000-0000-0000-0000-000000000000
-- p2 = a1000000-0000-0000-0000-000000000000
-- p3 = team
-- p4 = ['a','b']
-- p5 = 2026-01-02
