SELECT intDiv(toUnixTimestamp64Nano(timestamp) - {p1:Int64}, {p2:Int64}) AS step, if(listed, transform(intDiv(severity_number + 3, 4), [1, 2, 3, 4, 5, 6], {p3:Array(String)}, {p4:String}), '') AS value, toUInt8(true) AS listed, count() FROM logs WHERE (workspace_id = {p5:UUID}) AND (tenant_id = {p6:UUID}) AND (timestamp >= {p7:DateTime64(9, 'UTC')} AND timestamp < {p8:DateTime64(9, 'UTC')}) AND (hasToken(lower(body), {p9:String})) GROUP BY step, value, listed
-- p1 = 1767322800000000000
-- p2 = 60000000000
-- p3 = ['trace','debug','info','warn','error','fatal']
-- p4 = unspecified
-- p5 = a0000000-0000-0000-0000-000000000000
-- p6 = a1000000-0000-0000-0000-000000000000
-- p7 = 2026-01-02 03:00:00.000000000
-- p8 = 2026-01-02 04:00:00.000000000
-- p9 = reset
