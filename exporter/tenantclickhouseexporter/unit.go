package tenantclickhouseexporter

import (
	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/encode"
	"github.com/telemetryflow/telemetryflow/internal/insertion"
)

// unit is all that a group inserts into one table.
type unit struct {
	table   string
	inserts []*unitInsert
}

type unitInsert struct {
	*insertion.Insert
	stored bool
}

// unitsOf takes the blocks of a group.
func unitsOf(blocks []*encode.Block, name string) []*unit {
	var units []*unit
	for _, block := range blocks {
		one := &unitInsert{Insert: insertOf(block, name)}
		if n := len(units); n > 0 && units[n-1].table == one.Table {
			units[n-1].inserts = append(units[n-1].inserts, one)
		} else {
			units = append(units, &unit{table: one.Table, inserts: []*unitInsert{one}})
		}
	}
	return units
}

// begun says whether any part of the unit is stored.
func (u *unit) begun() bool {
	for _, one := range u.inserts {
		if one.stored {
			return true
		}
	}
	return false
}
