SELECT count() FROM (SELECT 1 FROM logs WHERE (workspace_id = {p1:UUID}) AND (tenant_id = {p2:UUID}) AND (service_name IN {p3:Array(String)}) AND (timestamp >= {p4:DateTime64(9, 'UTC')} AND timestamp < {p5:DateTime64(9, 'UTC')}) LIMIT 1001)
-- p1 = a0000000-0000-0000-0000-000000000000
-- p2 = a1000000-0000-0000-0000-000000000000
-- p3 = ['shop']
-- p4 = 2026-01-02 03:00:00.000000000
-- p5 = 2026-01-02 04:00:00.000000000
