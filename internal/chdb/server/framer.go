package server

import (
	"fmt"
	"io"
	"strings"

	"github.com/ClickHouse/ch-go/compress"
)

// frameSize is how much one compressed block holds at most, as ClickHouse's.
const frameSize = 1 << 20

// framer writes ClickHouse's compressed blocks.
type framer struct {
	w       io.Writer
	writer  *compress.Writer
	pending []byte
}

func newFramer(w io.Writer, method string) *framer {
	m := compress.LZ4
	if strings.EqualFold(method, "ZSTD") {
		m = compress.ZSTD
	}
	return &framer{w: w, writer: compress.NewWriter(compress.LevelZero, m)}
}

func (f *framer) Write(p []byte) (int, error) {
	written := 0
	for len(p) > 0 {
		n := min(len(p), frameSize-len(f.pending))
		f.pending = append(f.pending, p[:n]...)
		p, written = p[n:], written+n
		if len(f.pending) == frameSize {
			if err := f.Flush(); err != nil {
				return written, err
			}
		}
	}
	return written, nil
}

// Flush writes what is pending as one block.
func (f *framer) Flush() error {
	if len(f.pending) == 0 {
		return nil
	}
	if err := f.writer.Compress(f.pending); err != nil {
		return fmt.Errorf("compress block: %w", err)
	}
	f.pending = f.pending[:0]
	_, err := f.w.Write(f.writer.Data)
	return err
}
