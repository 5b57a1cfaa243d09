-- Log records as they are stored, and logs_v3 as they are read.

-- +goose Up
CREATE TABLE IF NOT EXISTS logs_local ON CLUSTER 'prod' (
    workspace_id UUID CODEC(ZSTD(1)),
    tenant_id UUID CODEC(ZSTD(1)),
    timestamp DateTime64(9, 'UTC') COMMENT 'the effective time: time, else observed time, else time of receipt' CODEC(Delta(8), ZSTD(1)),
    time DateTime64(9, 'UTC') COMMENT 'time_unix_nano as sent' CODEC(Delta(8), ZSTD(1)),
    observed_timestamp DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    trace_id FixedString(16) CODEC(ZSTD(1)),
    span_id FixedString(8) CODEC(ZSTD(1)),
    flags UInt32 CODEC(ZSTD(1)),
    severity_number Int32 CODEC(ZSTD(1)),
    severity_text LowCardinality(String) CODEC(ZSTD(1)),
    event_name LowCardinality(String) CODEC(ZSTD(1)),
    service_name LowCardinality(String) CODEC(ZSTD(1)),
    body String CODEC(ZSTD(3)),
    body_type LowCardinality(String) COMMENT 'empty for a string; docs/storage.md, value types' CODEC(ZSTD(1)),
    log_attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    log_attribute_types Map(LowCardinality(String), LowCardinality(String)) CODEC(ZSTD(1)),
    dropped_attributes_count UInt32 CODEC(ZSTD(1)),
    resource_attributes Map(LowCardinality(String), LowCardinality(String)) CODEC(ZSTD(1)),
    resource_attribute_types Map(LowCardinality(String), LowCardinality(String)) CODEC(ZSTD(1)),
    resource_dropped_attributes_count UInt32 CODEC(ZSTD(1)),
    resource_entity_refs LowCardinality(String) COMMENT 'OTLP/JSON, empty for none' CODEC(ZSTD(1)),
    resource_schema_url LowCardinality(String) CODEC(ZSTD(1)),
    scope_name LowCardinality(String) CODEC(ZSTD(1)),
    scope_version LowCardinality(String) CODEC(ZSTD(1)),
    scope_attributes Map(LowCardinality(String), LowCardinality(String)) CODEC(ZSTD(1)),
    scope_attribute_types Map(LowCardinality(String), LowCardinality(String)) CODEC(ZSTD(1)),
    scope_dropped_attributes_count UInt32 CODEC(ZSTD(1)),
    scope_schema_url LowCardinality(String) CODEC(ZSTD(1)),
    expires_at Date COMMENT 'the first day on which the row may be dropped' CODEC(ZSTD(1)),
    ingest_id UInt64 COMMENT 'batch and row: makes (timestamp, ingest_id) a cursor' CODEC(Delta(8), ZSTD(1)),
    INDEX trace trace_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX words lower(body) TYPE tokenbf_v1(32768, 3, 0) GRANULARITY 1,
    INDEX items arrayMap((k, v) -> concat(k, '=', v), mapKeys(log_attributes), mapValues(log_attributes)) TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplicatedMergeTree
PARTITION BY (toDate(timestamp), expires_at)
ORDER BY (workspace_id, tenant_id, toStartOfFiveMinutes(timestamp), service_name, timestamp, ingest_id)
TTL expires_at
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1,
    non_replicated_deduplication_window = 100000,
    replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 604800;

CREATE TABLE IF NOT EXISTS logs ON CLUSTER 'prod' AS logs_local
ENGINE = Distributed('prod', currentDatabase(), 'logs_local', cityHash64(tenant_id, trace_id));

CREATE VIEW IF NOT EXISTS logs_v3 ON CLUSTER 'prod' AS
SELECT
    l.timestamp AS timestamp,
    l.observed_timestamp AS observed_timestamp,
    l.severity_text AS severity_text,
    l.severity_number AS severity_number,
    l.body AS body,
    l.body_type AS body_type,
    if(l.trace_id = toFixedString('', 16), '', lower(hex(l.trace_id))) AS trace_id,
    if(l.span_id = toFixedString('', 8), '', lower(hex(l.span_id))) AS span_id,
    l.flags AS trace_flags,
    l.workspace_id AS workspace_id,
    l.tenant_id AS tenant_id,
    l.service_name AS service_name,
    l.event_name AS event_name,
    l.log_attributes AS log_attributes,
    l.log_attribute_types AS log_attribute_types,
    l.dropped_attributes_count AS dropped_attributes_count,
    l.resource_attributes AS resource_attributes,
    l.resource_attribute_types AS resource_attribute_types,
    l.resource_dropped_attributes_count AS resource_dropped_attributes_count,
    l.resource_entity_refs AS resource_entity_refs,
    l.resource_schema_url AS resource_schema_url,
    l.scope_name AS scope_name,
    l.scope_version AS scope_version,
    l.scope_attributes AS scope_attributes,
    l.scope_attribute_types AS scope_attribute_types,
    l.scope_dropped_attributes_count AS scope_dropped_attributes_count,
    l.scope_schema_url AS scope_schema_url,
    l.time AS time,
    l.expires_at AS expires_at,
    l.ingest_id AS ingest_id
FROM logs AS l;

-- +goose Down
DROP VIEW IF EXISTS logs_v3 ON CLUSTER 'prod' SYNC;
DROP TABLE IF EXISTS logs ON CLUSTER 'prod' SYNC;
DROP TABLE IF EXISTS logs_local ON CLUSTER 'prod' SYNC;
