//go:build knownbad_commitfirst

package tenantclickhouseexporter

import (
	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/encode"
	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/spool"
)

// toSend is wrong on purpose: make chaos must notice. It commits the batch, and copies
// its blocks, which are no longer to be used then.
func (l *logged) toSend(batch *spool.Batch, blocks []*encode.Block) []*encode.Block {
	copies := make([]*encode.Block, len(blocks))
	for i, block := range blocks {
		copies[i] = block.Select(encode.Range{From: 0, To: block.Rows()})
	}
	l.spool.Commit(batch)
	return copies
}
