-- Spans as they are stored, spans_v3 as they are read, and traces_v3: one row per trace.

-- +goose Up
CREATE TABLE IF NOT EXISTS spans_local ON CLUSTER 'prod' (
    workspace_id UUID CODEC(ZSTD(1)),
    tenant_id UUID CODEC(ZSTD(1)),
    timestamp DateTime64(9, 'UTC') COMMENT 'start of the span' CODEC(Delta(8), ZSTD(1)),
    duration_nano UInt64 COMMENT '0 when the end lies before the start' CODEC(T64, ZSTD(1)),
    negative_duration_nano UInt64 COMMENT 'start - end when the end lies before the start, else 0' CODEC(ZSTD(1)),
    trace_id FixedString(16) CODEC(ZSTD(1)),
    span_id FixedString(8) CODEC(ZSTD(1)),
    parent_span_id FixedString(8) CODEC(ZSTD(1)),
    trace_state String CODEC(ZSTD(1)),
    flags UInt32 CODEC(ZSTD(1)),
    span_name LowCardinality(String) CODEC(ZSTD(1)),
    span_kind Int32 CODEC(ZSTD(1)),
    status_code Int32 CODEC(ZSTD(1)),
    status_message String CODEC(ZSTD(1)),
    service_name LowCardinality(String) CODEC(ZSTD(1)),
    span_attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    span_attribute_types Map(LowCardinality(String), LowCardinality(String)) CODEC(ZSTD(1)),
    dropped_attributes_count UInt32 CODEC(ZSTD(1)),
    event_timestamps Array(DateTime64(9, 'UTC')) CODEC(ZSTD(1)),
    event_names Array(LowCardinality(String)) CODEC(ZSTD(1)),
    event_attributes Array(Map(LowCardinality(String), String)) CODEC(ZSTD(1)),
    event_attribute_types Array(Map(LowCardinality(String), LowCardinality(String))) CODEC(ZSTD(1)),
    event_dropped_attributes_counts Array(UInt32) CODEC(ZSTD(1)),
    dropped_events_count UInt32 CODEC(ZSTD(1)),
    link_trace_ids Array(FixedString(16)) CODEC(ZSTD(1)),
    link_span_ids Array(FixedString(8)) CODEC(ZSTD(1)),
    link_trace_states Array(String) CODEC(ZSTD(1)),
    link_flags Array(UInt32) CODEC(ZSTD(1)),
    link_attributes Array(Map(LowCardinality(String), String)) CODEC(ZSTD(1)),
    link_attribute_types Array(Map(LowCardinality(String), LowCardinality(String))) CODEC(ZSTD(1)),
    link_dropped_attributes_counts Array(UInt32) CODEC(ZSTD(1)),
    dropped_links_count UInt32 CODEC(ZSTD(1)),
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
    INDEX duration duration_nano TYPE minmax GRANULARITY 1,
    INDEX items arrayMap((k, v) -> concat(k, '=', v), mapKeys(span_attributes), mapValues(span_attributes)) TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplicatedMergeTree
PARTITION BY (toDate(timestamp), expires_at)
ORDER BY (workspace_id, tenant_id, toStartOfFiveMinutes(timestamp), service_name, span_name, timestamp, ingest_id)
TTL expires_at
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1,
    non_replicated_deduplication_window = 100000,
    replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 604800;

CREATE TABLE IF NOT EXISTS spans ON CLUSTER 'prod' AS spans_local
ENGINE = Distributed('prod', currentDatabase(), 'spans_local', cityHash64(trace_id));

CREATE VIEW IF NOT EXISTS spans_v3 ON CLUSTER 'prod' AS
SELECT
    s.timestamp AS timestamp,
    if(s.trace_id = toFixedString('', 16), '', lower(hex(s.trace_id))) AS trace_id,
    if(s.span_id = toFixedString('', 8), '', lower(hex(s.span_id))) AS span_id,
    if(s.parent_span_id = toFixedString('', 8), '', lower(hex(s.parent_span_id))) AS parent_span_id,
    s.trace_state AS trace_state,
    s.flags AS trace_flags,
    s.span_name AS span_name,
    transform(s.span_kind, [0, 1, 2, 3, 4, 5], ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'], toString(s.span_kind)) AS span_kind,
    s.duration_nano AS duration_nano,
    s.negative_duration_nano AS negative_duration_nano,
    transform(s.status_code, [0, 1, 2], ['UNSET', 'OK', 'ERROR'], toString(s.status_code)) AS status_code,
    s.status_message AS status_message,
    s.workspace_id AS workspace_id,
    s.tenant_id AS tenant_id,
    s.service_name AS service_name,
    arrayMap((time, name, attributes, types, dropped) ->
        CAST((time, name, attributes, types, dropped), 'Tuple(timestamp DateTime64(9, \'UTC\'), name String, attributes Map(String, String), attribute_types Map(String, String), dropped_attributes_count UInt32)'),
        s.event_timestamps, s.event_names, s.event_attributes, s.event_attribute_types, s.event_dropped_attributes_counts) AS events,
    arrayMap((trace, span, state, flags, attributes, types, dropped) ->
        CAST((lower(hex(trace)), lower(hex(span)), state, flags, attributes, types, dropped), 'Tuple(trace_id String, span_id String, trace_state String, trace_flags UInt32, attributes Map(String, String), attribute_types Map(String, String), dropped_attributes_count UInt32)'),
        s.link_trace_ids, s.link_span_ids, s.link_trace_states, s.link_flags, s.link_attributes, s.link_attribute_types, s.link_dropped_attributes_counts) AS links,
    s.span_attributes AS span_attributes,
    s.span_attribute_types AS span_attribute_types,
    s.dropped_attributes_count AS dropped_attributes_count,
    s.dropped_events_count AS dropped_events_count,
    s.dropped_links_count AS dropped_links_count,
    s.resource_attributes AS resource_attributes,
    s.resource_attribute_types AS resource_attribute_types,
    s.resource_dropped_attributes_count AS resource_dropped_attributes_count,
    s.resource_entity_refs AS resource_entity_refs,
    s.resource_schema_url AS resource_schema_url,
    s.scope_name AS scope_name,
    s.scope_version AS scope_version,
    s.scope_attributes AS scope_attributes,
    s.scope_attribute_types AS scope_attribute_types,
    s.scope_dropped_attributes_count AS scope_dropped_attributes_count,
    s.scope_schema_url AS scope_schema_url,
    s.expires_at AS expires_at,
    s.ingest_id AS ingest_id
FROM spans AS s;

CREATE TABLE IF NOT EXISTS traces_local ON CLUSTER 'prod' (
    workspace_id UUID CODEC(ZSTD(1)),
    tenant_id UUID CODEC(ZSTD(1)),
    trace_id FixedString(16) CODEC(ZSTD(1)),
    day Date CODEC(ZSTD(1)),
    expires_at Date CODEC(ZSTD(1)),
    start_time SimpleAggregateFunction(min, DateTime64(9, 'UTC')) CODEC(ZSTD(1)),
    end_time SimpleAggregateFunction(max, DateTime64(9, 'UTC')) CODEC(ZSTD(1)),
    span_count SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    error_count SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    root_service_name SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    root_span_name SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    services SimpleAggregateFunction(groupUniqArrayArray, Array(String)) CODEC(ZSTD(1))
)
ENGINE = ReplicatedAggregatingMergeTree
PARTITION BY (day, expires_at)
ORDER BY (workspace_id, tenant_id, trace_id, day, expires_at)
TTL expires_at
SETTINGS index_granularity = 1024, ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1,
    non_replicated_deduplication_window = 100000,
    replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 604800;

CREATE TABLE IF NOT EXISTS traces ON CLUSTER 'prod' AS traces_local
ENGINE = Distributed('prod', currentDatabase(), 'traces_local', cityHash64(trace_id));

CREATE MATERIALIZED VIEW IF NOT EXISTS traces_mv ON CLUSTER 'prod' TO traces_local AS
SELECT
    workspace_id,
    tenant_id,
    trace_id,
    toDate(timestamp) AS day,
    expires_at,
    min(timestamp) AS start_time,
    -- In integers, which wrap: no span may fail the insert of all others.
    max(fromUnixTimestamp64Nano(toUnixTimestamp64Nano(timestamp) + toInt64(duration_nano), 'UTC')) AS end_time,
    count() AS span_count,
    countIf(status_code = 2) AS error_count,
    maxIf(toString(service_name), parent_span_id = toFixedString('', 8)) AS root_service_name,
    maxIf(toString(span_name), parent_span_id = toFixedString('', 8)) AS root_span_name,
    groupUniqArray(toString(service_name)) AS services
FROM spans_local
GROUP BY workspace_id, tenant_id, trace_id, day, expires_at;

-- The inner names differ from the outer ones, so that no aggregate sees an alias.
CREATE VIEW IF NOT EXISTS traces_v3 ON CLUSTER 'prod' AS
SELECT
    started AS timestamp,
    lower(hex(trace)) AS trace_id,
    workspace_id,
    tenant_id,
    root_service AS service_name,
    root_span AS span_name,
    toUInt64(greatest(0, toUnixTimestamp64Nano(ended) - toUnixTimestamp64Nano(started))) AS duration_nano,
    spans AS span_count,
    errors AS error_count,
    all_services AS services
FROM (
    SELECT
        t.workspace_id AS workspace_id,
        t.tenant_id AS tenant_id,
        t.trace_id AS trace,
        min(t.start_time) AS started,
        max(t.end_time) AS ended,
        sum(t.span_count) AS spans,
        sum(t.error_count) AS errors,
        max(t.root_service_name) AS root_service,
        max(t.root_span_name) AS root_span,
        groupUniqArrayArray(t.services) AS all_services
    FROM traces AS t
    GROUP BY t.workspace_id, t.tenant_id, t.trace_id
);

-- +goose Down
DROP VIEW IF EXISTS traces_v3 ON CLUSTER 'prod' SYNC;
DROP VIEW IF EXISTS traces_mv ON CLUSTER 'prod' SYNC;
DROP TABLE IF EXISTS traces ON CLUSTER 'prod' SYNC;
DROP TABLE IF EXISTS traces_local ON CLUSTER 'prod' SYNC;
DROP VIEW IF EXISTS spans_v3 ON CLUSTER 'prod' SYNC;
DROP TABLE IF EXISTS spans ON CLUSTER 'prod' SYNC;
DROP TABLE IF EXISTS spans_local ON CLUSTER 'prod' SYNC;
