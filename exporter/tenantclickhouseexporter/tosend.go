//go:build !knownbad_commitfirst

package tenantclickhouseexporter

import (
	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/encode"
	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/spool"
)

// toSend returns the blocks to send. The batch is committed once they are stored.
func (*logged) toSend(_ *spool.Batch, blocks []*encode.Block) []*encode.Block { return blocks }
