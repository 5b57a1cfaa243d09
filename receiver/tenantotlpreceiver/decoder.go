package tenantotlpreceiver

import (
	"errors"
	"io"
	"sync"

	"github.com/golang/snappy"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// maxZstdWindow is what RFC 8878 asks decoders to support, in bytes; a frame
// that demands more memory before its first byte is refused.
const maxZstdWindow = 8 << 20

// contentCodings are those of confighttp. deflate is, as there and in RFC 9110,
// the zlib format.
var contentCodings = []string{"", "gzip", "zstd", "zlib", "deflate", "snappy", "x-snappy-framed", "lz4"}

// snappyFrameHeader opens every stream in snappy's framing format.
var snappyFrameHeader = []byte("\xff\x06\x00\x00sNaPpY")

// decoder opens a stream of decompressed bytes.
type decoder func(io.Reader) (io.ReadCloser, error)

func decodersOf(names []string) map[string]decoder {
	all := map[string]decoder{
		"":                func(r io.Reader) (io.ReadCloser, error) { return io.NopCloser(r), nil },
		"gzip":            pooledGzip(),
		"zstd":            pooledZstd(),
		"zlib":            zlib.NewReader,
		"deflate":         zlib.NewReader,
		"snappy":          nil, // readSnappy: the block format is not a stream
		"x-snappy-framed": func(r io.Reader) (io.ReadCloser, error) { return io.NopCloser(snappy.NewReader(r)), nil },
		"lz4":             func(r io.Reader) (io.ReadCloser, error) { return io.NopCloser(lz4.NewReader(r)), nil },
	}
	chosen := make(map[string]decoder, len(names))
	for _, name := range names {
		chosen[name] = all[name]
	}
	return chosen
}

// pooledReader gives its decompressor back when it is closed.
type pooledReader struct {
	io.Reader
	giveBack func()
}

func (p pooledReader) Close() error {
	p.giveBack()
	return nil
}

func pooledGzip() decoder {
	pool := &sync.Pool{New: func() any { return new(gzip.Reader) }}
	return func(r io.Reader) (io.ReadCloser, error) {
		reader := pool.Get().(*gzip.Reader)
		if err := reader.Reset(r); err != nil {
			pool.Put(reader)
			return nil, err
		}
		return pooledReader{reader, func() { pool.Put(reader) }}, nil
	}
}

func pooledZstd() decoder {
	pool := &sync.Pool{New: func() any {
		// One goroutine: a request is decompressed where it is served.
		reader, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxZstdWindow))
		if err != nil {
			panic(err) // options that are wrong for every request
		}
		return reader
	}}
	return func(r io.Reader) (io.ReadCloser, error) {
		reader := pool.Get().(*zstd.Decoder)
		giveBack := func() {
			_ = reader.Reset(nil) // lets go of the request
			pool.Put(reader)
		}
		if err := reader.Reset(r); err != nil {
			giveBack()
			return nil, err
		}
		return pooledReader{reader, giveBack}, nil
	}
}

// wantsTooMuch says whether zstd refused a frame because of the memory that its
// header demands.
func wantsTooMuch(err error) bool {
	return errors.Is(err, zstd.ErrWindowSizeExceeded) || errors.Is(err, zstd.ErrDecoderSizeExceeded)
}
