-- What one insert brings is one file, and not two for each column: an insert that
-- waits for the disk waits for 4 files instead of a hundred. Merged parts grow beyond
-- the limit, which counts uncompressed bytes, and then have files for columns.

-- +goose Up
ALTER TABLE spans_local ON CLUSTER 'prod' MODIFY SETTING min_bytes_for_wide_part = 134217728;
ALTER TABLE traces_local ON CLUSTER 'prod' MODIFY SETTING min_bytes_for_wide_part = 134217728;
ALTER TABLE logs_local ON CLUSTER 'prod' MODIFY SETTING min_bytes_for_wide_part = 134217728;
ALTER TABLE metric_samples_local ON CLUSTER 'prod' MODIFY SETTING min_bytes_for_wide_part = 134217728;
ALTER TABLE metric_histogram_samples_local ON CLUSTER 'prod' MODIFY SETTING min_bytes_for_wide_part = 134217728;
ALTER TABLE metric_series_local ON CLUSTER 'prod' MODIFY SETTING min_bytes_for_wide_part = 134217728;

-- +goose Down
ALTER TABLE metric_series_local ON CLUSTER 'prod' RESET SETTING min_bytes_for_wide_part;
ALTER TABLE metric_histogram_samples_local ON CLUSTER 'prod' RESET SETTING min_bytes_for_wide_part;
ALTER TABLE metric_samples_local ON CLUSTER 'prod' RESET SETTING min_bytes_for_wide_part;
ALTER TABLE logs_local ON CLUSTER 'prod' RESET SETTING min_bytes_for_wide_part;
ALTER TABLE traces_local ON CLUSTER 'prod' RESET SETTING min_bytes_for_wide_part;
ALTER TABLE spans_local ON CLUSTER 'prod' RESET SETTING min_bytes_for_wide_part;
