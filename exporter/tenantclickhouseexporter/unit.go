package tenantclickhouseexporter

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/zeebo/xxh3"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/encode"
)

// insert is one statement with its bytes, which stay the same however often it is
// repeated.
type insert struct {
	table     string
	statement string
	token     string
	body      []byte
	rows      int
	stored    bool
}

// unit is all that a group inserts into one table.
type unit struct {
	table   string
	inserts []*insert
}

// unitsOf renders the blocks. The token is <instance>/<batch>/<table>/<number of the
// block>/<hash of the rows>.
func unitsOf(blocks []*encode.Block, instance string, batch uint64) []*unit {
	var units []*unit
	for i, block := range blocks {
		body := block.AppendNative(make([]byte, 0, block.Size()))
		hash := xxh3.Hash128(body).Bytes()
		one := &insert{
			table:     block.Table(),
			statement: "INSERT INTO " + block.Table() + " (" + strings.Join(block.Columns(), ", ") + ")",
			token:     fmt.Sprintf("%s/%d/%s/%d/%s", instance, batch, block.Table(), i, hex.EncodeToString(hash[:])),
			body:      body,
			rows:      block.Rows(),
		}
		if n := len(units); n > 0 && units[n-1].table == one.table {
			units[n-1].inserts = append(units[n-1].inserts, one)
		} else {
			units = append(units, &unit{table: one.table, inserts: []*insert{one}})
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
