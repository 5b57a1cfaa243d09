SELECT service_name, sum(item_count), min(first_seen), max(last_seen) FROM service_activity WHERE (workspace_id = {p1:UUID}) AND (tenant_id = {p2:UUID}) AND (service_name IN {p3:Array(String)}) AND (signal = {p4:String}) AND (hour >= toStartOfHour({p5:DateTime64(9, 'UTC')})) AND (hour < {p6:DateTime64(9, 'UTC')}) GROUP BY service_name
-- p1 = a0000000-0000-0000-0000-000000000000
-- p2 = a1000000-0000-0000-0000-000000000000
-- p3 = ['shop']
-- p4 = traces
-- p5 = 2026-01-02 03:00:00.000000000
-- p6 = 2026-01-02 04:00:00.000000000
