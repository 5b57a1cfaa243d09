-- What one insert brings is one file, and not two for each column: an insert that
-- waits for the disk waits for 4 files instead of a hundred. Merged parts grow beyond
-- the limit, which counts uncompressed bytes, and then have files for columns.

-- +goose Up
ALTER TABLE {{.Local "spans"}}{{.OnCluster}} MODIFY SETTING min_bytes_for_wide_part = 134217728;
ALTER TABLE {{.Local "traces"}}{{.OnCluster}} MODIFY SETTING min_bytes_for_wide_part = 134217728;
ALTER TABLE {{.Local "logs"}}{{.OnCluster}} MODIFY SETTING min_bytes_for_wide_part = 134217728;
ALTER TABLE {{.Local "metric_samples"}}{{.OnCluster}} MODIFY SETTING min_bytes_for_wide_part = 134217728;
ALTER TABLE {{.Local "metric_histogram_samples"}}{{.OnCluster}} MODIFY SETTING min_bytes_for_wide_part = 134217728;
ALTER TABLE {{.Local "metric_series"}}{{.OnCluster}} MODIFY SETTING min_bytes_for_wide_part = 134217728;

-- +goose Down
ALTER TABLE {{.Local "metric_series"}}{{.OnCluster}} RESET SETTING min_bytes_for_wide_part;
ALTER TABLE {{.Local "metric_histogram_samples"}}{{.OnCluster}} RESET SETTING min_bytes_for_wide_part;
ALTER TABLE {{.Local "metric_samples"}}{{.OnCluster}} RESET SETTING min_bytes_for_wide_part;
ALTER TABLE {{.Local "logs"}}{{.OnCluster}} RESET SETTING min_bytes_for_wide_part;
ALTER TABLE {{.Local "traces"}}{{.OnCluster}} RESET SETTING min_bytes_for_wide_part;
ALTER TABLE {{.Local "spans"}}{{.OnCluster}} RESET SETTING min_bytes_for_wide_part;
