SELECT emptyArrayString() AS groups, toInt64({p1:Int64}) AS bucket, count(), countIf(status_code = 2), quantiles(0.5, 0.9, 0.95, 0.99)(duration_nano) FROM spans WHERE (workspace_id = {p2:UUID}) AND (tenant_id = {p3:UUID}) AND (timestamp >= {p4:DateTime64(9, 'UTC')} AND timestamp < {p5:DateTime64(9, 'UTC')}) GROUP BY groups, bucket ORDER BY bucket
-- p1 = 1767322800000000000
-- p2 = a0000000-0000-0000-0000-000000000000
-- p3 = a1000000-0000-0000-0000-000000000000
-- p4 = 2026-01-02 03:00:00.000000000
-- p5 = 2026-01-02 04:00:00.000000000
