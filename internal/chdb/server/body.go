package server

import (
	"bufio"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/telemetryflow/telemetryflow/internal/chdb"
)

// body returns the request's body as the client had it before it compressed
// it, bounded in size and in how long the client may be silent.
func (s *Server) body(w http.ResponseWriter, r *http.Request, c *call) (io.Reader, error) {
	var reader io.Reader = &patientReader{
		reader:   r.Body,
		control:  http.NewResponseController(w),
		patience: s.options.StallTimeout,
	}
	reader, err := decode(reader, r.Header.Get("Content-Encoding"))
	if err != nil {
		return nil, err
	}
	if c.decompress {
		reader = &blockReader{compress.NewReader(reader)}
	}
	return bufio.NewReaderSize(&limitedReader{reader: reader, left: s.options.MaxBody}, bodyBuffer), nil
}

// bodyBuffer is what one append to the engine carries at most.
const bodyBuffer = 256 << 10

// maxWindow bounds what a zstd body makes us allocate.
const maxWindow = 128 << 20

func decode(r io.Reader, encoding string) (io.Reader, error) {
	switch encoding {
	case "", "identity":
		return r, nil
	case "gzip", "x-gzip":
		return lazily(func() (io.Reader, error) { return gzip.NewReader(r) }), nil
	case "deflate":
		return lazily(func() (io.Reader, error) { return zlib.NewReader(r) }), nil
	case "br":
		return brotli.NewReader(r), nil
	case "lz4":
		return lz4.NewReader(r), nil
	case "zstd":
		return lazily(func() (io.Reader, error) {
			return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxWindow))
		}), nil
	default:
		return nil, chdb.NewException(chdb.CodeUnknownCompressMethod, "UNKNOWN_COMPRESSION_METHOD", "Unknown compression method: %s", encoding)
	}
}

// lazyReader opens a decompressor at the first read: some read a header when
// they are made, and an empty body has none.
type lazyReader struct {
	open   func() (io.Reader, error)
	reader io.Reader
}

func lazily(open func() (io.Reader, error)) io.Reader { return &lazyReader{open: open} }

func (l *lazyReader) Read(p []byte) (int, error) {
	if l.reader == nil {
		reader, err := l.open()
		if err != nil {
			return 0, badBody(err)
		}
		l.reader = reader
	}
	n, err := l.reader.Read(p)
	return n, badBody(err)
}

// badBody turns a decompressor's error into ClickHouse's.
func badBody(err error) error {
	var exception *chdb.Exception
	if err == nil || err == io.EOF || errors.As(err, &exception) || isTimeout(err) { //nolint:errorlint // io.EOF is never wrapped by a reader
		return err
	}
	return chdb.NewException(chdb.CodeCannotDecompress, "CANNOT_DECOMPRESS", "Cannot decompress the request body: %v", err)
}

// blockReader reads ClickHouse's compressed blocks; the library reports their
// end as a wrapped io.EOF.
type blockReader struct{ reader *compress.Reader }

func (b *blockReader) Read(p []byte) (int, error) {
	n, err := b.reader.Read(p)
	if errors.Is(err, io.EOF) {
		return n, io.EOF
	}
	return n, badBody(err)
}

// limitedReader fails, unlike io.LimitReader, when there is more.
type limitedReader struct {
	reader io.Reader
	left   int64
}

func (l *limitedReader) Read(p []byte) (int, error) {
	n, err := l.reader.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, chdb.NewException(chdb.CodeTooManyBytes, "TOO_MANY_BYTES", "the request body is larger than --max-body")
	}
	return n, err
}

// patientReader gives up on a client that sends nothing for a while.
type patientReader struct {
	reader   io.Reader
	control  *http.ResponseController
	patience time.Duration
}

func (p *patientReader) Read(b []byte) (int, error) {
	_ = p.control.SetReadDeadline(time.Now().Add(p.patience))
	n, err := p.reader.Read(b)
	if err != nil {
		// The connection goes on reading, to notice that the client has gone.
		_ = p.control.SetReadDeadline(time.Time{})
	}
	if isTimeout(err) {
		return n, chdb.NewException(chdb.CodeSocketTimeout, "SOCKET_TIMEOUT", "Timeout exceeded while reading from socket: the client sent nothing for %s", p.patience)
	}
	return n, err
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}
