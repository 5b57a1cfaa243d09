SELECT intDiv(toUnixTimestamp64Nano(timestamp) - {p1:Int64}, {p2:Int64}) AS step, if(listed, if(mapContains(log_attributes, {p3:String}), toString(log_attributes[{p3:String}]), toString(resource_attributes[{p3:String}])), '') AS value, toUInt8(if(mapContains(log_attributes, {p3:String}), toString(log_attributes[{p3:String}]), toString(resource_attributes[{p3:String}])) IN (SELECT if(mapContains(log_attributes, {p3:String}), toString(log_attributes[{p3:String}]), toString(resource_attributes[{p3:String}])) FROM logs WHERE (workspace_id = {p4:UUID}) AND (tenant_id = {p5:UUID}) AND (timestamp >= {p6:DateTime64(9, 'UTC')} AND timestamp < {p7:DateTime64(9, 'UTC')}) AND (hasToken(lower(body), {p8:String})) GROUP BY if(mapContains(log_attributes, {p3:String}), toString(log_attributes[{p3:String}]), toString(resource_attributes[{p3:String}])) ORDER BY count() DESC, if(mapContains(log_attributes, {p3:String}), toString(log_attributes[{p3:String}]), toString(resource_attributes[{p3:String}])) LIMIT 10)) AS listed, count() FROM logs WHERE (workspace_id = {p4:UUID}) AND (tenant_id = {p5:UUID}) AND (timestamp >= {p6:DateTime64(9, 'UTC')} AND timestamp < {p7:DateTime64(9, 'UTC')}) AND (hasToken(lower(body), {p8:String})) GROUP BY step, value, listed
-- p1 = 1767322800000000000
-- p2 = 60000000000
-- p3 = http.route
-- p4 = a0000000-0000-0000-0000-000000000000
-- p5 = a1000000-0000-0000-0000-000000000000
-- p6 = 2026-01-02 03:00:00.000000000
-- p7 = 2026-01-02 04:00:00.000000000
-- p8 = reset
