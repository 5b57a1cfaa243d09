SELECT metric_name, toString(kind) AS family_kind, unit, temporality = 1 AS delta, is_monotonic, argMax(description, day) FROM metric_series WHERE (workspace_id = {p1:UUID}) AND (tenant_id = {p2:UUID}) AND (service_name IN {p3:Array(String)}) AND (day >= {p4:Date} AND day <= {p4:Date}) GROUP BY metric_name, family_kind, unit, delta, is_monotonic ORDER BY metric_name, family_kind, unit, delta, is_monotonic
-- p1 = a0000000-0000-0000-0000-000000000000
-- p2 = a1000000-0000-0000-0000-000000000000
-- p3 = ['shop']
-- p4 = 2026-01-02
