package encode_test

import (
	"bytes"
	"fmt" // prints NaN as it prints NaN
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	chproto "github.com/ClickHouse/clickhouse-go/v2/lib/proto"
	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/encode"
)

// decodeBlock reads a block as ClickHouse would.
func decodeBlock(t *testing.T, block *encode.Block) chproto.Block {
	t.Helper()
	decoded := chproto.NewBlock()
	require.NoError(t, decoded.Decode(proto.NewReader(bytes.NewReader(block.AppendNative(nil))), 0))
	return *decoded
}

// generatedBlocks are the blocks of generated requests of all signals.
func generatedBlocks(t *testing.T, seed uint64, requests int) []*encode.Block {
	t.Helper()
	g, encoder := newGenerator(seed, time.Now()), newEncoder()
	encoder.Reset(1)
	for i := range requests {
		appendGenerated(t, encoder, g, i)
	}
	return encoder.Blocks()
}

func TestBlock_Select(t *testing.T) {
	t.Parallel()
	g := newGenerator(12, time.Now())
	for _, block := range generatedBlocks(t, 11, 120) {
		var excluded, kept []int
		for row := range block.Rows() {
			if g.IntN(4) == 0 {
				excluded = append(excluded, row)
			} else {
				kept = append(kept, row)
			}
		}
		whole := decodeBlock(t, block)
		for _, half := range []struct {
			rows     []int
			selected *encode.Block
		}{
			{kept, block.Select(encode.Without(block.Rows(), excluded)...)},
			{excluded, block.Select(encode.Single(excluded)...)},
		} {
			require.Equal(t, len(half.rows), half.selected.Rows())
			if len(half.rows) == 0 {
				continue
			}
			part := decodeBlock(t, half.selected)
			for at, column := range part.Columns {
				for i, row := range half.rows {
					require.Equal(t, fmt.Sprint(whole.Columns[at].Row(row, false)), fmt.Sprint(column.Row(i, false)), "%s.%s", block.Table(), part.ColumnsNames()[at])
				}
			}
		}
	}
}

// The parts of a block lie in one partition each, and are all of its rows.
func TestBlock_ByPartition(t *testing.T) {
	t.Parallel()
	for _, block := range generatedBlocks(t, 13, 60) {
		rows := 0
		for _, part := range block.ByPartition() {
			rows += part.Rows()
			decoded := decodeBlock(t, part)
			for at, name := range decoded.ColumnsNames() {
				if name != "expires_at" {
					continue
				}
				for row := range part.Rows() {
					require.Equal(t, decoded.Columns[at].Row(0, false), decoded.Columns[at].Row(row, false))
				}
			}
		}
		require.Equal(t, block.Rows(), rows)
		if block.Partitions() > 0 {
			require.Len(t, block.ByPartition(), block.Partitions(), block.Table())
		}
	}
}

// Marks say how many rows each request has added to each block.
func TestEncoder_Marks(t *testing.T) {
	t.Parallel()
	g, encoder := newGenerator(14, time.Now()), newEncoder()
	encoder.Reset(1)
	sums := make(map[int]int)
	for i := range 30 {
		appendGenerated(t, encoder, g, i)
		for _, mark := range encoder.AppendMarks(nil) {
			sums[mark.Rank] += mark.Rows
		}
		require.Empty(t, encoder.AppendMarks(nil))
	}
	for _, block := range encoder.Blocks() {
		require.Equal(t, block.Rows(), sums[block.Rank()])
	}
}

func TestBlock_Readers(t *testing.T) {
	t.Parallel()
	for _, block := range generatedBlocks(t, 15, 30) {
		decoded := decodeBlock(t, block)
		words, numbers := block.Words("service_name")
		owners := block.Owners()
		for row := range block.Rows() {
			for at, name := range decoded.ColumnsNames() {
				value := decoded.Columns[at].Row(row, false)
				switch name {
				case "tenant_id":
					require.Equal(t, value.(interface{ String() string }).String(), owners.Of(row).Tenant.String())
				case "workspace_id":
					require.Equal(t, value.(interface{ String() string }).String(), owners.Of(row).Workspace.String())
				case "service_name":
					require.Equal(t, value, words[numbers(row)])
				case "ingest_id":
					require.Equal(t, value, block.Numbers("ingest_id")(row))
				}
			}
			require.True(t, owners.Same(row, row))
			require.Equal(t, owners.Of(row) == owners.Of(0), owners.Same(row, 0))
		}
	}
	require.Nil(t, generatedBlocks(t, 15, 3)[0].Numbers("nothing"))
}
