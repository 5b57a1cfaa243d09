SELECT series_id, groupUniqArrayArray(arrayConcat(explicit_bounds, quantiles)) FROM metric_histogram_samples WHERE (workspace_id = {p1:UUID}) AND (tenant_id = {p2:UUID}) AND (metric_name IN {p3:Array(String)}) AND (series_id IN {p4:Array(UInt64)}) AND (timestamp >= {p5:DateTime64(9, 'UTC')} AND timestamp < {p6:DateTime64(9, 'UTC')}) GROUP BY series_id
-- p1 = a0000000-0000-0000-0000-000000000000
-- p2 = a1000000-0000-0000-0000-000000000000
-- p3 = ['requests']
-- p4 = [1,2]
-- p5 = 2026-01-02 03:00:00.000000000
-- p6 = 2026-01-02 04:00:00.000000000
