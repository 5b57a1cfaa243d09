-- Metrics: samples and histograms as thin rows, labels once per series and day,
-- metrics_v3 and metric_histograms as they are read.

-- +goose Up
CREATE TABLE IF NOT EXISTS metric_series_local ON CLUSTER 'prod' (
    workspace_id UUID CODEC(ZSTD(1)),
    tenant_id UUID CODEC(ZSTD(1)),
    metric_name LowCardinality(String) CODEC(ZSTD(1)),
    series_id UInt64 COMMENT 'fingerprint of everything below' CODEC(ZSTD(1)),
    day Date CODEC(ZSTD(1)),
    expires_at Date COMMENT 'one day after the samples of the day' CODEC(ZSTD(1)),
    kind Enum8('gauge' = 1, 'sum' = 2, 'histogram' = 3, 'exponential_histogram' = 4, 'summary' = 5, 'none' = 0) CODEC(ZSTD(1)),
    unit LowCardinality(String) CODEC(ZSTD(1)),
    description String CODEC(ZSTD(1)),
    temporality Int32 CODEC(ZSTD(1)),
    is_monotonic Bool CODEC(ZSTD(1)),
    service_name LowCardinality(String) CODEC(ZSTD(1)),
    attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    attribute_types Map(LowCardinality(String), LowCardinality(String)) CODEC(ZSTD(1)),
    metadata Map(LowCardinality(String), LowCardinality(String)) CODEC(ZSTD(1)),
    metadata_types Map(LowCardinality(String), LowCardinality(String)) CODEC(ZSTD(1)),
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
    INDEX items arrayMap((k, v) -> concat(k, '=', v), mapKeys(attributes), mapValues(attributes)) TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplicatedReplacingMergeTree
PARTITION BY (day, expires_at)
ORDER BY (workspace_id, tenant_id, metric_name, series_id, day, expires_at)
TTL expires_at
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1,
    non_replicated_deduplication_window = 100000,
    replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 604800;

CREATE TABLE IF NOT EXISTS metric_series ON CLUSTER 'prod' AS metric_series_local
ENGINE = Distributed('prod', currentDatabase(), 'metric_series_local', series_id);

CREATE TABLE IF NOT EXISTS metric_samples_local ON CLUSTER 'prod' (
    workspace_id UUID CODEC(ZSTD(1)),
    tenant_id UUID CODEC(ZSTD(1)),
    metric_name LowCardinality(String) CODEC(ZSTD(1)),
    service_name LowCardinality(String) CODEC(ZSTD(1)),
    series_id UInt64 CODEC(ZSTD(1)),
    timestamp DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    start_timestamp DateTime64(9, 'UTC') CODEC(ZSTD(1)),
    value Float64 COMMENT 'of an integer: the nearest double' CODEC(Gorilla, ZSTD(1)),
    value_int Int64 COMMENT 'the exact integer when value_type is int' CODEC(Delta(8), ZSTD(1)),
    value_type Enum8('none' = 0, 'double' = 1, 'int' = 2) CODEC(ZSTD(1)),
    flags UInt32 CODEC(ZSTD(1)),
    exemplar_trace_id FixedString(16) COMMENT 'of the first exemplar' CODEC(ZSTD(1)),
    expires_at Date COMMENT 'the first day on which the row may be dropped' CODEC(ZSTD(1))
)
ENGINE = ReplicatedMergeTree
PARTITION BY (toDate(timestamp), expires_at)
ORDER BY (workspace_id, tenant_id, metric_name, series_id, timestamp)
TTL expires_at
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1,
    non_replicated_deduplication_window = 100000,
    replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 604800;

CREATE TABLE IF NOT EXISTS metric_samples ON CLUSTER 'prod' AS metric_samples_local
ENGINE = Distributed('prod', currentDatabase(), 'metric_samples_local', series_id);

CREATE TABLE IF NOT EXISTS metric_histogram_samples_local ON CLUSTER 'prod' (
    workspace_id UUID CODEC(ZSTD(1)),
    tenant_id UUID CODEC(ZSTD(1)),
    metric_name LowCardinality(String) CODEC(ZSTD(1)),
    service_name LowCardinality(String) CODEC(ZSTD(1)),
    series_id UInt64 CODEC(ZSTD(1)),
    timestamp DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    start_timestamp DateTime64(9, 'UTC') CODEC(ZSTD(1)),
    flags UInt32 CODEC(ZSTD(1)),
    count UInt64 CODEC(T64, ZSTD(1)),
    sum Float64 CODEC(ZSTD(1)),
    min Float64 CODEC(ZSTD(1)),
    max Float64 CODEC(ZSTD(1)),
    present UInt8 COMMENT 'bits: 1 sum, 2 min, 4 max were sent' CODEC(ZSTD(1)),
    explicit_bounds Array(Float64) CODEC(ZSTD(1)),
    bucket_counts Array(UInt64) CODEC(ZSTD(1)),
    scale Int32 CODEC(ZSTD(1)),
    zero_count UInt64 CODEC(ZSTD(1)),
    zero_threshold Float64 CODEC(ZSTD(1)),
    positive_offset Int32 CODEC(ZSTD(1)),
    positive_bucket_counts Array(UInt64) CODEC(ZSTD(1)),
    negative_offset Int32 CODEC(ZSTD(1)),
    negative_bucket_counts Array(UInt64) CODEC(ZSTD(1)),
    quantiles Array(Float64) CODEC(ZSTD(1)),
    quantile_values Array(Float64) CODEC(ZSTD(1)),
    exemplar_trace_id FixedString(16) COMMENT 'of the first exemplar' CODEC(ZSTD(1)),
    expires_at Date COMMENT 'the first day on which the row may be dropped' CODEC(ZSTD(1))
)
ENGINE = ReplicatedMergeTree
PARTITION BY (toDate(timestamp), expires_at)
ORDER BY (workspace_id, tenant_id, metric_name, series_id, timestamp)
TTL expires_at
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1,
    non_replicated_deduplication_window = 100000,
    replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 604800;

CREATE TABLE IF NOT EXISTS metric_histogram_samples ON CLUSTER 'prod' AS metric_histogram_samples_local
ENGINE = Distributed('prod', currentDatabase(), 'metric_histogram_samples_local', series_id);

CREATE TABLE IF NOT EXISTS exemplars_local ON CLUSTER 'prod' (
    workspace_id UUID CODEC(ZSTD(1)),
    tenant_id UUID CODEC(ZSTD(1)),
    metric_name LowCardinality(String) CODEC(ZSTD(1)),
    service_name LowCardinality(String) CODEC(ZSTD(1)),
    series_id UInt64 CODEC(ZSTD(1)),
    sample_timestamp DateTime64(9, 'UTC') COMMENT 'the data point that carries the exemplar' CODEC(Delta(8), ZSTD(1)),
    position UInt32 COMMENT 'in that data point, from 0' CODEC(ZSTD(1)),
    timestamp DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    value Float64 CODEC(ZSTD(1)),
    value_int Int64 CODEC(ZSTD(1)),
    value_type Enum8('none' = 0, 'double' = 1, 'int' = 2) CODEC(ZSTD(1)),
    trace_id FixedString(16) CODEC(ZSTD(1)),
    span_id FixedString(8) CODEC(ZSTD(1)),
    filtered_attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    filtered_attribute_types Map(LowCardinality(String), LowCardinality(String)) CODEC(ZSTD(1)),
    expires_at Date COMMENT 'that of the data point' CODEC(ZSTD(1)),
    INDEX trace trace_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = ReplicatedMergeTree
PARTITION BY (toDate(sample_timestamp), expires_at)
ORDER BY (workspace_id, tenant_id, metric_name, series_id, sample_timestamp, position)
TTL expires_at
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1,
    non_replicated_deduplication_window = 100000,
    replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 604800;

CREATE TABLE IF NOT EXISTS exemplars ON CLUSTER 'prod' AS exemplars_local
ENGINE = Distributed('prod', currentDatabase(), 'exemplars_local', series_id);

-- The labels come by ANY JOIN from one row per series: metric_series is a
-- ReplacingMergeTree, and holds a series more than once until it merges.
CREATE VIEW IF NOT EXISTS metrics_v3 ON CLUSTER 'prod' AS
SELECT
    m.timestamp AS timestamp,
    m.metric_name AS metric_name,
    m.value AS value,
    m.value_int AS value_int,
    m.value_type AS value_type,
    r.kind AS kind,
    r.temporality_name AS temporality,
    r.is_monotonic AS is_monotonic,
    r.unit AS unit,
    r.description AS description,
    m.workspace_id AS workspace_id,
    m.tenant_id AS tenant_id,
    m.service_name AS service_name,
    if(m.exemplar_trace_id = toFixedString('', 16), '', lower(hex(m.exemplar_trace_id))) AS exemplar_trace_id,
    r.resource_attributes AS resource_attributes,
    r.attributes AS attributes,
    m.start_timestamp AS start_timestamp,
    m.flags AS flags,
    m.series_id AS series_id,
    m.expires_at AS expires_at
FROM metric_samples AS m
ANY LEFT JOIN (
    SELECT workspace_id, tenant_id, series_id, kind, unit, description, is_monotonic, resource_attributes, attributes,
        transform(temporality, [0, 1, 2], ['unspecified', 'delta', 'cumulative'], toString(temporality)) AS temporality_name
    FROM metric_series
    LIMIT 1 BY workspace_id, tenant_id, series_id
) AS r ON m.workspace_id = r.workspace_id AND m.tenant_id = r.tenant_id AND m.series_id = r.series_id;

CREATE VIEW IF NOT EXISTS metric_histograms ON CLUSTER 'prod' AS
SELECT
    h.timestamp AS timestamp,
    h.metric_name AS metric_name,
    h.sum AS value,
    r.kind AS kind,
    r.temporality_name AS temporality,
    r.unit AS unit,
    r.description AS description,
    h.workspace_id AS workspace_id,
    h.tenant_id AS tenant_id,
    h.service_name AS service_name,
    if(h.exemplar_trace_id = toFixedString('', 16), '', lower(hex(h.exemplar_trace_id))) AS exemplar_trace_id,
    r.resource_attributes AS resource_attributes,
    r.attributes AS attributes,
    h.count AS count,
    if(bitTest(h.present, 0), h.sum, NULL) AS sum,
    if(bitTest(h.present, 1), h.min, NULL) AS min,
    if(bitTest(h.present, 2), h.max, NULL) AS max,
    h.explicit_bounds AS explicit_bounds,
    h.bucket_counts AS bucket_counts,
    h.scale AS scale,
    h.zero_count AS zero_count,
    h.zero_threshold AS zero_threshold,
    h.positive_offset AS positive_offset,
    h.positive_bucket_counts AS positive_bucket_counts,
    h.negative_offset AS negative_offset,
    h.negative_bucket_counts AS negative_bucket_counts,
    h.quantiles AS quantiles,
    h.quantile_values AS quantile_values,
    h.start_timestamp AS start_timestamp,
    h.flags AS flags,
    h.series_id AS series_id,
    h.expires_at AS expires_at
FROM metric_histogram_samples AS h
ANY LEFT JOIN (
    SELECT workspace_id, tenant_id, series_id, kind, unit, description, resource_attributes, attributes,
        transform(temporality, [0, 1, 2], ['unspecified', 'delta', 'cumulative'], toString(temporality)) AS temporality_name
    FROM metric_series
    LIMIT 1 BY workspace_id, tenant_id, series_id
) AS r ON h.workspace_id = r.workspace_id AND h.tenant_id = r.tenant_id AND h.series_id = r.series_id;

-- Five-minute roll-ups. The aggregation job recomputes a bucket from the samples
-- and writes it with a higher version, so that repeating it changes nothing.
CREATE TABLE IF NOT EXISTS metric_rollup_5m_local ON CLUSTER 'prod' (
    workspace_id UUID CODEC(ZSTD(1)),
    tenant_id UUID CODEC(ZSTD(1)),
    metric_name LowCardinality(String) CODEC(ZSTD(1)),
    service_name LowCardinality(String) CODEC(ZSTD(1)),
    series_id UInt64 CODEC(ZSTD(1)),
    bucket DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    count UInt64 CODEC(T64, ZSTD(1)),
    sum Float64 CODEC(ZSTD(1)),
    min Float64 CODEC(ZSTD(1)),
    max Float64 CODEC(ZSTD(1)),
    last Float64 CODEC(ZSTD(1)),
    increase Float64 COMMENT 'corrected for resets of the counter' CODEC(ZSTD(1)),
    version UInt64 CODEC(ZSTD(1)),
    expires_at Date CODEC(ZSTD(1))
)
ENGINE = ReplicatedReplacingMergeTree(version)
PARTITION BY (toDate(bucket), expires_at)
ORDER BY (workspace_id, tenant_id, metric_name, series_id, bucket, expires_at)
TTL expires_at
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1,
    non_replicated_deduplication_window = 100000,
    replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 604800;

CREATE TABLE IF NOT EXISTS metric_rollup_5m ON CLUSTER 'prod' AS metric_rollup_5m_local
ENGINE = Distributed('prod', currentDatabase(), 'metric_rollup_5m_local', series_id);

-- +goose Down
DROP TABLE IF EXISTS metric_rollup_5m ON CLUSTER 'prod' SYNC;
DROP TABLE IF EXISTS metric_rollup_5m_local ON CLUSTER 'prod' SYNC;
DROP VIEW IF EXISTS metric_histograms ON CLUSTER 'prod' SYNC;
DROP VIEW IF EXISTS metrics_v3 ON CLUSTER 'prod' SYNC;
DROP TABLE IF EXISTS exemplars ON CLUSTER 'prod' SYNC;
DROP TABLE IF EXISTS exemplars_local ON CLUSTER 'prod' SYNC;
DROP TABLE IF EXISTS metric_histogram_samples ON CLUSTER 'prod' SYNC;
DROP TABLE IF EXISTS metric_histogram_samples_local ON CLUSTER 'prod' SYNC;
DROP TABLE IF EXISTS metric_samples ON CLUSTER 'prod' SYNC;
DROP TABLE IF EXISTS metric_samples_local ON CLUSTER 'prod' SYNC;
DROP TABLE IF EXISTS metric_series ON CLUSTER 'prod' SYNC;
DROP TABLE IF EXISTS metric_series_local ON CLUSTER 'prod' SYNC;
