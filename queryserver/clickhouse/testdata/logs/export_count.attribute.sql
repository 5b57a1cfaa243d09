SELECT count() FROM (SELECT 1 FROM logs WHERE (workspace_id = {p1:UUID}) AND (tenant_id = {p2:UUID}) AND (multiIf(mapContains(resource_attributes, {p3:String}), resource_attributes[{p3:String}] IN {p4:Array(String)}, mapContains(log_attributes, {p3:String}), log_attributes[{p3:String}] IN {p4:Array(String)}, false)) AND (timestamp >= {p5:DateTime64(9, 'UTC')} AND timestamp < {p6:DateTime64(9, 'UTC')}) LIMIT 1001)
-- p1 = a0000000-0000-0000-0000-000000000000
-- p2 = a1000000-0000-0000-0000-000000000000
-- p3 = team
-- p4 = ['a','b']
-- p5 = 2026-01-02 03:00:00.000000000
-- p6 = 2026-01-02 04:00:00.000000000
