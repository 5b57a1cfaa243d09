package server

import "strings"

// rowFormats are the formats of which every block stands on its own: a
// result's blocks, formatted one by one, are the formatted result. The engine
// gives the others a head and a foot in each block, so those are formatted as
// a whole.
var rowFormats = map[string]bool{
	"native": true, "null": true, "rowbinary": true, "msgpack": true, "rawblob": true,
	"tabseparated": true, "tsv": true, "tabseparatedraw": true, "tsvraw": true, "raw": true,
	"csv": true, "lineasstring": true, "tskv": true,
	"jsoneachrow": true, "jsonlines": true, "ndjson": true, "jsonstringseachrow": true,
	"jsoncompacteachrow": true, "jsoncompactstringseachrow": true,
}

func streamable(format string) bool { return rowFormats[strings.ToLower(format)] }

func contentType(format string) string {
	lower := strings.ToLower(format)
	switch {
	case strings.HasPrefix(lower, "jsoneachrow"), lower == "jsonlines", lower == "ndjson":
		return "application/x-ndjson; charset=UTF-8"
	case strings.HasPrefix(lower, "json"):
		return "application/json; charset=UTF-8"
	case strings.HasPrefix(lower, "tabseparated"), strings.HasPrefix(lower, "tsv"):
		return "text/tab-separated-values; charset=UTF-8"
	case strings.HasPrefix(lower, "csv"):
		return "text/csv; charset=UTF-8; header=absent"
	case lower == "native", strings.HasPrefix(lower, "rowbinary"), lower == "parquet", lower == "orc",
		strings.HasPrefix(lower, "arrow"), lower == "avro", lower == "msgpack", lower == "rawblob":
		return "application/octet-stream"
	case lower == "xml":
		return "application/xml; charset=UTF-8"
	default:
		return "text/plain; charset=UTF-8"
	}
}
