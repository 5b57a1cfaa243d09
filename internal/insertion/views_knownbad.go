//go:build knownbad_viewdedup

package insertion

// deduplicateViews is wrong on purpose: make chaos must notice.
const deduplicateViews = 0
