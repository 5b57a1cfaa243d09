SELECT service_name, count(), min(timestamp), max(timestamp) FROM metric_samples WHERE (workspace_id = {p1:UUID}) AND (tenant_id = {p2:UUID}) AND (series_id IN (SELECT series_id FROM metric_series WHERE (workspace_id = {p1:UUID}) AND (tenant_id = {p2:UUID}) AND (multiIf(mapContains(resource_attributes, {p3:String}), resource_attributes[{p3:String}] IN {p4:Array(String)}, mapContains(attributes, {p3:String}), attributes[{p3:String}] IN {p4:Array(String)}, false)))) AND (timestamp >= {p5:DateTime64(9, 'UTC')} AND timestamp < {p6:DateTime64(9, 'UTC')}) GROUP BY service_name
-- p1 = a0000000-0000-0000-0000-000000000000
-- p2 = a1000000-0000-0000-0000-000000000000
-- p3 = team
-- p4 = ['a','b']
-- p5 = 2026-01-02 03:00:00.000000000
-- p6 = 2026-01-02 04:00:00.000000000
