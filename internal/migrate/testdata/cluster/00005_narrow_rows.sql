-- Fewer bytes per sample and per span, and fewer merges of both.
--
-- An integer stood in two columns, exact and as a double. Now the double stands
-- beside what it lacks, which is 0 for every integer up to 2^53.

-- +goose Up
ALTER TABLE metric_samples_local ON CLUSTER 'prod'
    ADD COLUMN IF NOT EXISTS value_residual Int64 COMMENT 'an integer less its nearest double' CODEC(ZSTD(1)) AFTER value_int;
ALTER TABLE metric_samples_local ON CLUSTER 'prod' MODIFY COLUMN value CODEC(Delta(8), ZSTD(1));
ALTER TABLE metric_samples ON CLUSTER 'prod' ADD COLUMN IF NOT EXISTS value_residual Int64 AFTER value_int;
ALTER TABLE spans_local ON CLUSTER 'prod' MODIFY COLUMN ingest_id CODEC(ZSTD(1));

-- A merge takes up parts when there are ten of about a size, and not five: each row is
-- merged less often.
ALTER TABLE spans_local ON CLUSTER 'prod' MODIFY SETTING merge_selector_base = 10;
ALTER TABLE logs_local ON CLUSTER 'prod' MODIFY SETTING merge_selector_base = 10;
ALTER TABLE metric_samples_local ON CLUSTER 'prod' MODIFY SETTING merge_selector_base = 10;

CREATE OR REPLACE VIEW metrics_v3 ON CLUSTER 'prod' AS
SELECT
    m.timestamp AS timestamp,
    m.metric_name AS metric_name,
    m.value AS value,
    -- Before this migration the exact integer stood in value_int.
    multiIf(m.value_type != 'int', 0, m.value_int != 0, m.value_int,
        toInt64(if(m.value >= 9223372036854775808., -9223372036854775808., m.value)) + m.value_residual) AS value_int,
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

-- +goose Down
CREATE OR REPLACE VIEW metrics_v3 ON CLUSTER 'prod' AS
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
ALTER TABLE metric_samples_local ON CLUSTER 'prod' RESET SETTING merge_selector_base;
ALTER TABLE logs_local ON CLUSTER 'prod' RESET SETTING merge_selector_base;
ALTER TABLE spans_local ON CLUSTER 'prod' RESET SETTING merge_selector_base;
ALTER TABLE spans_local ON CLUSTER 'prod' MODIFY COLUMN ingest_id CODEC(Delta(8), ZSTD(1));
ALTER TABLE metric_samples ON CLUSTER 'prod' DROP COLUMN IF EXISTS value_residual;
ALTER TABLE metric_samples_local ON CLUSTER 'prod' MODIFY COLUMN value CODEC(Gorilla, ZSTD(1));
ALTER TABLE metric_samples_local ON CLUSTER 'prod' DROP COLUMN IF EXISTS value_residual;
