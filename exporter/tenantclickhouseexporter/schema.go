package tenantclickhouseexporter

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"

	"github.com/telemetryflow/telemetryflow/internal/insertion"
	"github.com/telemetryflow/telemetryflow/internal/migrate"
)

// schemaValidity is how long a good version is believed; a migration during it only
// expands the schema, or shows in failing inserts.
const schemaValidity = time.Minute

// schemaGate holds inserts back while the tables have a version that this program
// does not know how to fill.
type schemaGate struct {
	conn driver.Conn
	host component.Host

	mu      sync.Mutex
	checked time.Time // when the version was last found good
	suffix  string    // of the names of the tables
	bad     bool
}

func newSchemaGate(conn driver.Conn, host component.Host) *schemaGate {
	return &schemaGate{conn: conn, host: host}
}

// open returns nil when inserts may go on.
func (g *schemaGate) open(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if time.Since(g.checked) < schemaValidity {
		return nil
	}
	version, ok, err := migrate.CheckClickHouse(ctx, g.conn)
	if err != nil {
		return fmt.Errorf("read the version of the schema: %w", err)
	}
	if !ok {
		g.bad = true
		err := migrate.ClickHouseRange.Explain("ClickHouse", version)
		componentstatus.ReportStatus(g.host, componentstatus.NewRecoverableErrorEvent(err))
		return err
	}
	if g.suffix, err = insertion.Suffix(ctx, g.conn); err != nil {
		return err
	}
	if g.bad {
		g.bad = false
		componentstatus.ReportStatus(g.host, componentstatus.NewEvent(componentstatus.StatusOK))
	}
	g.checked = time.Now()
	return nil
}

// tables is the suffix of the tables that hold the rows. The gate must have been open.
func (g *schemaGate) tables() (suffix string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.suffix
}

// doubt makes the next insert look at the version again.
func (g *schemaGate) doubt() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.checked = time.Time{}
}
