package outbound

import (
	"errors"
	"io"
	"net/http"
)

// ErrTooLong means that an answer is longer than what is read of one.
var ErrTooLong = errors.New("the answer is too long")

// Bound lets the bodies of answers, as decompressed, fail with ErrTooLong after a
// number of bytes.
func Bound(next http.RoundTripper, bytes int64) http.RoundTripper {
	return bounded{next: next, bytes: bytes}
}

type bounded struct {
	next  http.RoundTripper
	bytes int64
}

func (b bounded) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := b.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	response.Body = &boundedBody{ReadCloser: response.Body, left: b.bytes}
	return response, nil
}

type boundedBody struct {
	io.ReadCloser
	left int64
}

func (b *boundedBody) Read(into []byte) (int, error) {
	if b.left < 0 {
		return 0, ErrTooLong
	}
	// One byte more than is left tells an answer that just fits from one too long.
	if int64(len(into)) > b.left+1 {
		into = into[:b.left+1]
	}
	n, err := b.ReadCloser.Read(into)
	b.left -= int64(n)
	if b.left < 0 {
		return n - 1, ErrTooLong
	}
	return n, err
}
