-- Metrics query (tenant-filtered with indexes)
SELECT
  service_name,
  metric_name,
  avg(value) as avg_value,
  toStartOfHour(timestamp) as hour
FROM metrics_v3
WHERE workspace_id = {workspaceId:String}
  AND tenant_id = {tenantId:String}
  AND timestamp >= {startTime:DateTime64(9)}
  AND timestamp <= {endTime:DateTime64(9)}
GROUP BY service_name, metric_name, hour
ORDER BY hour DESC;
-- Indexes: bloom filter on workspace_id, tenant_id
--          minmax on timestamp
--          partition pruning on toYYYYMMDD(timestamp)
