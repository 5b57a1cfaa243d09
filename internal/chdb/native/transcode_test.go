package native_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/chdb/native"
)

// block is a block of two rows at revision 0, as the engine writes it.
func block(t testing.TB) []byte {
	t.Helper()
	var out []byte
	put := func(name, kind string, data []byte) {
		for _, text := range []string{name, kind} {
			out = binary.AppendUvarint(out, uint64(len(text)))
			out = append(out, text...)
		}
		out = append(out, data...)
	}
	column := func(prefix uint64, encode func(*proto.Buffer)) []byte {
		var b proto.Buffer
		if prefix > 0 {
			b.PutUInt64(prefix)
		}
		encode(&b)
		return b.Buf
	}
	words := proto.NewArray[string](new(proto.ColStr))
	words.AppendArr([][]string{{"a", ""}, nil})
	levels := new(proto.ColStr).LowCardinality()
	levels.AppendArr([]string{"INFO", "WARN"})
	require.NoError(t, levels.Prepare())
	maybe := new(proto.ColUInt64).Nullable()
	maybe.AppendArr([]proto.Nullable[uint64]{proto.NewNullable[uint64](7), proto.Null[uint64]()})
	out = append(out, 4, 2)
	put("words", "Array(String)", column(0, words.EncodeColumn))
	put("level", "LowCardinality(String)", column(1, levels.EncodeColumn))
	put("maybe", "Nullable(UInt64)", column(0, maybe.EncodeColumn))
	put("pair", "Tuple(a UInt8, `b, c` DateTime64(9, 'Europe/Berlin'))", append([]byte{1, 2}, make([]byte, 16)...))
	return out
}

func TestTranscoder_Write(t *testing.T) {
	t.Parallel()
	data := block(t)
	twice := append(bytes.Clone(data), data...)
	var same bytes.Buffer
	require.NoError(t, native.NewTranscoder(0).Write(&same, twice))
	require.Equal(t, twice, same.Bytes())
	var newer bytes.Buffer
	require.NoError(t, native.NewTranscoder(54460).Write(&newer, twice))
	info, flags := 8, 4 // bytes a block gains: its info, and one for each column
	require.Len(t, newer.Bytes(), len(twice)+2*(info+flags))
	require.Equal(t, newer.Bytes()[:newer.Len()/2], newer.Bytes()[newer.Len()/2:])
}

func TestTranscoder_Truncated(t *testing.T) {
	t.Parallel()
	data := block(t)
	for cut := 1; cut < len(data); cut++ {
		err := native.NewTranscoder(54460).Write(&bytes.Buffer{}, data[:cut])
		require.ErrorIs(t, err, native.ErrTruncated, cut)
	}
}

func TestTranscoder_Unsupported(t *testing.T) {
	t.Parallel()
	data := append([]byte{1, 1, 1, 'a'}, "\x0cNoSuchType()"...)
	require.Error(t, native.NewTranscoder(54460).Write(&bytes.Buffer{}, append(data, 0)))
}

// No bytes make the transcoder panic, or give more than the block and what the
// revision adds.
func FuzzTranscoder(f *testing.F) {
	f.Add(block(f))
	f.Add([]byte("\x01\x01\x01a\x07Dynamic\x03\x00\x00\x00\x00\x00\x00\x00\x01\x06String\x00\x01x"))
	f.Add([]byte("\x01\x01\x01a\x04JSON\x01\x00\x00\x00\x00\x00\x00\x00\x02{}"))
	f.Add([]byte("\x01\x01\x01a\x18Map(String, Array(Int8))\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var out bytes.Buffer
		if err := native.NewTranscoder(54460).Write(&out, data); err == nil {
			require.LessOrEqual(t, out.Len(), 10*len(data))
		}
	})
}
