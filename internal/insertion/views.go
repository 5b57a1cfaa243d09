//go:build !knownbad_viewdedup

package insertion

// deduplicateViews has ClickHouse recognise what is repeated behind materialized views too.
const deduplicateViews = 1
