//go:build knownbad_nolookup

package tenantclickhouseexporter

// looksUp is wrong on purpose: make chaos must notice.
const looksUp = false
