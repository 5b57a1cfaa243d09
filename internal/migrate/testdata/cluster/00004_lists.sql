-- What a tenant has: its services by hour and signal, its metrics by day.

-- +goose Up
CREATE TABLE IF NOT EXISTS service_activity_local ON CLUSTER 'prod' (
    workspace_id UUID CODEC(ZSTD(1)),
    tenant_id UUID CODEC(ZSTD(1)),
    service_name LowCardinality(String) CODEC(ZSTD(1)),
    signal Enum8('traces' = 1, 'logs' = 2, 'metrics' = 3) CODEC(ZSTD(1)),
    hour DateTime('UTC') CODEC(ZSTD(1)),
    expires_at Date CODEC(ZSTD(1)),
    item_count SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    first_seen SimpleAggregateFunction(min, DateTime64(9, 'UTC')) CODEC(ZSTD(1)),
    last_seen SimpleAggregateFunction(max, DateTime64(9, 'UTC')) CODEC(ZSTD(1))
)
ENGINE = ReplicatedAggregatingMergeTree
PARTITION BY (toDate(hour), expires_at)
ORDER BY (workspace_id, tenant_id, service_name, signal, hour, expires_at)
TTL expires_at
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1,
    non_replicated_deduplication_window = 100000,
    replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 604800;

CREATE TABLE IF NOT EXISTS service_activity ON CLUSTER 'prod' AS service_activity_local
ENGINE = Distributed('prod', currentDatabase(), 'service_activity_local', cityHash64(tenant_id, service_name));

CREATE MATERIALIZED VIEW IF NOT EXISTS service_activity_spans_mv ON CLUSTER 'prod' TO service_activity_local AS
SELECT workspace_id, tenant_id, service_name, 'traces' AS signal, toStartOfHour(timestamp) AS hour, expires_at,
    count() AS item_count, min(timestamp) AS first_seen, max(timestamp) AS last_seen
FROM spans_local
GROUP BY workspace_id, tenant_id, service_name, hour, expires_at;

CREATE MATERIALIZED VIEW IF NOT EXISTS service_activity_logs_mv ON CLUSTER 'prod' TO service_activity_local AS
SELECT workspace_id, tenant_id, service_name, 'logs' AS signal, toStartOfHour(timestamp) AS hour, expires_at,
    count() AS item_count, min(timestamp) AS first_seen, max(timestamp) AS last_seen
FROM logs_local
GROUP BY workspace_id, tenant_id, service_name, hour, expires_at;

CREATE MATERIALIZED VIEW IF NOT EXISTS service_activity_samples_mv ON CLUSTER 'prod' TO service_activity_local AS
SELECT workspace_id, tenant_id, service_name, 'metrics' AS signal, toStartOfHour(timestamp) AS hour, expires_at,
    count() AS item_count, min(timestamp) AS first_seen, max(timestamp) AS last_seen
FROM metric_samples_local
GROUP BY workspace_id, tenant_id, service_name, hour, expires_at;

CREATE MATERIALIZED VIEW IF NOT EXISTS service_activity_histograms_mv ON CLUSTER 'prod' TO service_activity_local AS
SELECT workspace_id, tenant_id, service_name, 'metrics' AS signal, toStartOfHour(timestamp) AS hour, expires_at,
    count() AS item_count, min(timestamp) AS first_seen, max(timestamp) AS last_seen
FROM metric_histogram_samples_local
GROUP BY workspace_id, tenant_id, service_name, hour, expires_at;

CREATE VIEW IF NOT EXISTS mv_service_list ON CLUSTER 'prod' AS
SELECT a.workspace_id AS workspace_id, a.tenant_id AS tenant_id, a.service_name AS service_name, a.signal AS signal, a.hour AS hour,
    sum(a.item_count) AS item_count, min(a.first_seen) AS first_seen, max(a.last_seen) AS last_seen
FROM service_activity AS a
GROUP BY a.workspace_id, a.tenant_id, a.service_name, a.signal, a.hour;

CREATE TABLE IF NOT EXISTS metric_activity_local ON CLUSTER 'prod' (
    workspace_id UUID CODEC(ZSTD(1)),
    tenant_id UUID CODEC(ZSTD(1)),
    metric_name LowCardinality(String) CODEC(ZSTD(1)),
    service_name LowCardinality(String) CODEC(ZSTD(1)),
    kind LowCardinality(String) CODEC(ZSTD(1)),
    day Date CODEC(ZSTD(1)),
    expires_at Date CODEC(ZSTD(1)),
    unit SimpleAggregateFunction(anyLast, String) CODEC(ZSTD(1)),
    description SimpleAggregateFunction(anyLast, String) CODEC(ZSTD(1))
)
ENGINE = ReplicatedAggregatingMergeTree
PARTITION BY (day, expires_at)
ORDER BY (workspace_id, tenant_id, metric_name, service_name, kind, day, expires_at)
TTL expires_at
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1,
    non_replicated_deduplication_window = 100000,
    replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 604800;

CREATE TABLE IF NOT EXISTS metric_activity ON CLUSTER 'prod' AS metric_activity_local
ENGINE = Distributed('prod', currentDatabase(), 'metric_activity_local', cityHash64(tenant_id, metric_name));

-- A series is written again on each of its days, so that the days of a metric
-- are the days of its series.
CREATE MATERIALIZED VIEW IF NOT EXISTS metric_activity_mv ON CLUSTER 'prod' TO metric_activity_local AS
SELECT workspace_id, tenant_id, metric_name, service_name, toString(kind) AS kind, day, expires_at,
    anyLast(toString(unit)) AS unit, anyLast(description) AS description
FROM metric_series_local
GROUP BY workspace_id, tenant_id, metric_name, service_name, kind, day, expires_at;

CREATE VIEW IF NOT EXISTS mv_metric_list ON CLUSTER 'prod' AS
SELECT a.workspace_id AS workspace_id, a.tenant_id AS tenant_id, a.metric_name AS metric_name, a.service_name AS service_name, a.kind AS kind,
    anyLast(a.unit) AS unit, anyLast(a.description) AS description, min(a.day) AS first_seen, max(a.day) AS last_seen
FROM metric_activity AS a
GROUP BY a.workspace_id, a.tenant_id, a.metric_name, a.service_name, a.kind;

-- +goose Down
DROP VIEW IF EXISTS mv_metric_list ON CLUSTER 'prod' SYNC;
DROP VIEW IF EXISTS metric_activity_mv ON CLUSTER 'prod' SYNC;
DROP TABLE IF EXISTS metric_activity ON CLUSTER 'prod' SYNC;
DROP TABLE IF EXISTS metric_activity_local ON CLUSTER 'prod' SYNC;
DROP VIEW IF EXISTS mv_service_list ON CLUSTER 'prod' SYNC;
DROP VIEW IF EXISTS service_activity_histograms_mv ON CLUSTER 'prod' SYNC;
DROP VIEW IF EXISTS service_activity_samples_mv ON CLUSTER 'prod' SYNC;
DROP VIEW IF EXISTS service_activity_logs_mv ON CLUSTER 'prod' SYNC;
DROP VIEW IF EXISTS service_activity_spans_mv ON CLUSTER 'prod' SYNC;
DROP TABLE IF EXISTS service_activity ON CLUSTER 'prod' SYNC;
DROP TABLE IF EXISTS service_activity_local ON CLUSTER 'prod' SYNC;
