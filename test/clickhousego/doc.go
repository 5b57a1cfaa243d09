// Package clickhousego runs clickhouse-go's own tests against the embedded
// engine, over HTTP, and holds the result to the list in excluded.txt.
package clickhousego
