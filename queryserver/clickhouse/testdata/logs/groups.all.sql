SELECT [if(mapContains(log_attributes, {p1:String}), toString(log_attributes[{p1:String}]), toString(resource_attributes[{p1:String}])), transform(intDiv(severity_number + 3, 4), [1, 2, 3, 4, 5, 6], {p2:Array(String)}, {p3:String})] AS fields, count() AS records, sum(count()) OVER () FROM logs WHERE (workspace_id = {p4:UUID}) AND (tenant_id = {p5:UUID}) AND (timestamp >= {p6:DateTime64(9, 'UTC')} AND timestamp < {p7:DateTime64(9, 'UTC')}) AND (startsWith(if(mapContains(log_attributes, {p1:String}), toString(log_attributes[{p1:String}]), toString(resource_attributes[{p1:String}])), {p8:String})) GROUP BY fields ORDER BY records DESC, fields LIMIT 10
-- p1 = http.route
-- p2 = ['trace','debug','info','warn','error','fatal']
-- p3 = unspecified
-- p4 = a0000000-0000-0000-0000-000000000000
-- p5 = a1000000-0000-0000-0000-000000000000
-- p6 = 2026-01-02 03:00:00.000000000
-- p7 = 2026-01-02 04:00:00.000000000
-- p8 = /api
