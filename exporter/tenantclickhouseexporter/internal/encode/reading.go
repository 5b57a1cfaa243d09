package encode

import (
	"encoding/binary"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// find returns the column of a name, or nil.
func (b *Block) find(name string) column {
	for i, have := range b.names {
		if have == name {
			return b.columns[i]
		}
	}
	return nil
}

// Owners reads whose row each is, of a block of any table.
type Owners struct{ workspaces, tenants []byte }

// Owners returns the owners of the block's rows.
func (b *Block) Owners() Owners {
	return Owners{workspaces: b.fixedData("workspace_id"), tenants: b.fixedData("tenant_id")}
}

// Of is the owner of a row.
func (o Owners) Of(row int) tenant.Scope {
	return tenant.Scope{Workspace: uuidAt(o.workspaces, row), Tenant: uuidAt(o.tenants, row)}
}

// Same says whether two rows have one owner.
func (o Owners) Same(a, b int) bool {
	return string(o.tenants[16*a:16*a+16]) == string(o.tenants[16*b:16*b+16]) &&
		string(o.workspaces[16*a:16*a+16]) == string(o.workspaces[16*b:16*b+16])
}

// uuidAt reads an ID that putUUID wrote.
func uuidAt(data []byte, row int) (id tenant.ID) {
	at := data[16*row : 16*row+16]
	for i := range 8 {
		id[7-i], id[15-i] = at[i], at[8+i]
	}
	return id
}

func (b *Block) fixedData(name string) []byte {
	if c, ok := b.find(name).(*fixedColumn); ok {
		return c.data
	}
	return nil
}

// Numbers reads a column of 64-bit values: times, in nanoseconds, and ids. It is nil
// when the block has no such column.
func (b *Block) Numbers(name string) func(row int) uint64 {
	data := b.fixedData(name)
	if len(data) != 8*b.rows || b.rows == 0 {
		return nil
	}
	return func(row int) uint64 { return binary.LittleEndian.Uint64(data[8*row:]) }
}

// Dates reads a column of days since 1970.
func (b *Block) Dates(name string) func(row int) uint16 {
	data := b.fixedData(name)
	if len(data) != 2*b.rows || b.rows == 0 {
		return nil
	}
	return func(row int) uint16 { return binary.LittleEndian.Uint16(data[2*row:]) }
}

// Words reads a LowCardinality(String) column: its strings, and the number of each
// row's.
func (b *Block) Words(name string) (words []string, number func(row int) uint32) {
	c, ok := b.find(name).(*lowCardinality)
	if !ok {
		return nil, nil
	}
	words = make([]string, 0, c.entries)
	for rest := c.values.data; len(rest) > 0; {
		length, width := binary.Uvarint(rest)
		words = append(words, string(rest[width:width+int(length)]))
		rest = rest[width+int(length):]
	}
	return words, c.rows.at
}
