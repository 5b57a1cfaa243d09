SELECT metric_name, service_name, series_id, reinterpretAsUInt64(toUnixTimestamp64Nano(timestamp)), reinterpretAsUInt64(toUnixTimestamp64Nano(start_timestamp)), flags, exemplar_trace_id, count, sum, min, max, present, explicit_bounds, bucket_counts, scale, zero_count, zero_threshold, positive_offset, positive_bucket_counts, negative_offset, negative_bucket_counts, quantiles, quantile_values, cityHash64(start_timestamp, flags, count, sum, min, max, present, explicit_bounds, bucket_counts, scale, zero_count, zero_threshold, positive_offset, positive_bucket_counts, negative_offset, negative_bucket_counts, quantiles, quantile_values, exemplar_trace_id) AS hash FROM metric_histogram_samples WHERE (workspace_id = {p1:UUID}) AND (tenant_id = {p2:UUID}) AND (metric_name = {p3:String}) AND (timestamp >= {p4:DateTime64(9, 'UTC')} AND timestamp < {p5:DateTime64(9, 'UTC')}) ORDER BY timestamp DESC, series_id DESC, hash DESC LIMIT 51
-- p1 = a0000000-0000-0000-0000-000000000000
-- p2 = a1000000-0000-0000-0000-000000000000
-- p3 = hits
-- p4 = 2026-01-02 03:00:00.000000000
-- p5 = 2026-01-02 04:00:00.000000000
