SELECT toUnixTimestamp64Nano(timestamp), ingest_id, toUnixTimestamp64Nano(time), toUnixTimestamp64Nano(observed_timestamp), severity_number, severity_text, body, body_type, event_name, if(trace_id != {p1:String}, lower(hex(trace_id)), ''), if(span_id != {p2:String}, lower(hex(span_id)), ''), flags, [CAST(mapKeys(log_attributes), 'Array(String)'), CAST(mapValues(log_attributes), 'Array(String)'), CAST(mapKeys(log_attribute_types), 'Array(String)'), CAST(mapValues(log_attribute_types), 'Array(String)')], dropped_attributes_count, service_name, [CAST(mapKeys(resource_attributes), 'Array(String)'), CAST(mapValues(resource_attributes), 'Array(String)'), CAST(mapKeys(resource_attribute_types), 'Array(String)'), CAST(mapValues(resource_attribute_types), 'Array(String)')], resource_dropped_attributes_count, resource_entity_refs, resource_schema_url, scope_name, scope_version, [CAST(mapKeys(scope_attributes), 'Array(String)'), CAST(mapValues(scope_attributes), 'Array(String)'), CAST(mapKeys(scope_attribute_types), 'Array(String)'), CAST(mapValues(scope_attribute_types), 'Array(String)')], scope_dropped_attributes_count, scope_schema_url FROM logs WHERE (workspace_id = {p3:UUID}) AND (tenant_id = {p4:UUID}) AND (timestamp >= {p5:DateTime64(9, 'UTC')} AND timestamp < {p6:DateTime64(9, 'UTC')}) AND ((hasAny(arrayMap((k, v) -> concat(k, '=', v), mapKeys(log_attributes), mapValues(log_attributes)), {p7:Array(String)})) AND (mapContains(log_attributes, {p8:String})) AND (log_attributes[{p8:String}] IN {p9:Array(String)})) ORDER BY toStartOfFiveMinutes(timestamp) DESC, timestamp DESC, ingest_id DESC LIMIT 51
-- p1 = \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0
-- p2 = \0\0\0\0\0\0\0\0
-- p3 = a0000000-0000-0000-0000-000000000000
-- p4 = a1000000-0000-0000-0000-000000000000
-- p5 = 2026-01-02 03:00:00.000000000
-- p6 = 2026-01-02 04:00:00.000000000
-- p7 = ['order.id=5']
-- p8 = order.id
-- p9 = ['5']
