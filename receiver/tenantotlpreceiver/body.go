package tenantotlpreceiver

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/golang/snappy"
)

const (
	// initialBody is what a body's buffer has at first, in bytes; a declared
	// Content-Length is believed up to trustedLength before any byte has come.
	initialBody   = 16 << 10
	trustedLength = 1 << 20
	// maxPooledBody keeps rare large bodies from staying in the pool, in bytes.
	maxPooledBody = 4 << 20
	// maxSnappyRatio is more than the block format can compress: at best three
	// bytes stand for 64. A declared length beyond it is a lie.
	maxSnappyRatio = 22
)

// bodyReader reads request bodies, each within the limit before and after
// decompression.
type bodyReader struct {
	limit    int64
	accepted string // the content codings, for the Accept-Encoding header
	decoders map[string]decoder
	buffers  sync.Pool
}

// newBodyReader accepts the named content codings, or all when none is named.
func newBodyReader(names []string, limit int64) *bodyReader {
	if names == nil {
		names = contentCodings
	}
	b := &bodyReader{limit: limit, decoders: decodersOf(names)}
	b.accepted = strings.Join(slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == "" }), ", ")
	b.buffers.New = func() any { return bytes.NewBuffer(make([]byte, 0, initialBody)) }
	return b
}

func (b *bodyReader) release(body *bytes.Buffer) {
	if body.Cap() <= maxPooledBody {
		body.Reset()
		b.buffers.Put(body)
	}
}

// read returns the decompressed body, to be released after use.
func (b *bodyReader) read(req *http.Request) (*bytes.Buffer, *refusal) {
	coding := strings.ToLower(strings.TrimSpace(strings.Join(req.Header.Values("Content-Encoding"), ",")))
	if coding == "identity" {
		coding = ""
	}
	decode, ok := b.decoders[coding]
	if !ok {
		return nil, wrongContentCoding(b.accepted)
	}
	if req.ContentLength > b.limit {
		return nil, b.tooLarge()
	}
	if coding == "snappy" {
		return b.readSnappy(req)
	}
	source, err := decode(req.Body)
	if err != nil {
		return nil, b.refusalOf(err)
	}
	defer source.Close()
	hint := int64(0)
	if coding == "" {
		hint = req.ContentLength
	}
	return b.readAll(source, hint)
}

// readAll reads to the end, but never more than a byte beyond the limit.
func (b *bodyReader) readAll(source io.Reader, hint int64) (*bytes.Buffer, *refusal) {
	body := b.buffers.Get().(*bytes.Buffer)
	if hint > 0 {
		body.Grow(int(min(hint, trustedLength)) + bytes.MinRead)
	}
	_, err := body.ReadFrom(io.LimitReader(source, b.limit+1))
	switch {
	case err != nil:
		b.release(body)
		return nil, b.refusalOf(err)
	case int64(body.Len()) > b.limit:
		b.release(body)
		return nil, b.tooLarge()
	}
	return body, nil
}

// readSnappy takes both formats under the one name: the block format, and the
// framed one that older OpenTelemetry clients send.
func (b *bodyReader) readSnappy(req *http.Request) (*bytes.Buffer, *refusal) {
	packed, refused := b.readAll(req.Body, req.ContentLength)
	if refused != nil {
		return nil, refused
	}
	defer b.release(packed)
	if bytes.HasPrefix(packed.Bytes(), snappyFrameHeader) {
		return b.readAll(snappy.NewReader(packed), 0)
	}
	length, err := snappy.DecodedLen(packed.Bytes())
	switch {
	case err != nil, int64(length) > maxSnappyRatio*int64(packed.Len()) && int64(length) <= b.limit:
		return nil, malformed("the request body is not valid snappy", nil)
	case int64(length) > b.limit:
		return nil, b.tooLarge()
	}
	body := b.buffers.Get().(*bytes.Buffer)
	body.Grow(length)
	unpacked, err := snappy.Decode(body.AvailableBuffer()[:length], packed.Bytes())
	if err != nil {
		b.release(body)
		return nil, malformed("the request body is not valid snappy", nil)
	}
	body.Write(unpacked) // onto itself: the buffer has the room
	return body, nil
}

func (b *bodyReader) tooLarge() *refusal {
	return tooLarge(fmt.Sprintf("the request body is larger than %d bytes, before or after decompression", b.limit))
}

func (b *bodyReader) refusalOf(err error) *refusal {
	var tooMany *http.MaxBytesError
	switch {
	case errors.As(err, &tooMany), wantsTooMuch(err):
		return b.tooLarge()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return bodyTimeout()
	}
	return malformed("the request body cannot be read or decompressed", nil)
}
