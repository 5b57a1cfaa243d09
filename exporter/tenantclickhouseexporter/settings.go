package tenantclickhouseexporter

import "github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/encode"

// insertSettings make one INSERT one block, whose repetition ClickHouse recognises
// by its token, also in the tables behind materialized views.
func insertSettings(config *Config) map[string]any {
	settings := map[string]any{
		"async_insert":                                       0, // the blocks are batches already
		"max_insert_threads":                                 1, // several would split the block
		"max_insert_block_size":                              encode.MaxRows,
		"min_insert_block_size_rows":                         encode.MaxRows,
		"min_insert_block_size_bytes":                        1 << 30,
		"max_partitions_per_insert_block":                    100,
		"insert_deduplicate":                                 1,
		"deduplicate_blocks_in_dependent_materialized_views": 1,
		"materialize_skip_indexes_on_insert":                 0, // merges build them, while no client waits
		"max_execution_time":                                 int(config.Timeout.Seconds()) + 1,
		"wait_end_of_query":                                  1, // a failure after the first byte would look like success
	}
	if config.InsertQuorum != "" {
		settings["insert_quorum"] = config.InsertQuorum
	}
	return settings
}
