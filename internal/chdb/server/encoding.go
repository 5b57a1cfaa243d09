package server

import (
	"compress/gzip"
	"compress/zlib"
	"io"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// encodings are the Content-Encodings we write, by ClickHouse's preference.
var encodings = []string{"br", "zstd", "gzip", "deflate", "lz4"}

// chooseEncoding returns the encoding to answer with, or "".
func chooseEncoding(accept string) string {
	accepted := map[string]bool{}
	for _, part := range strings.Split(accept, ",") {
		name, parameters, _ := strings.Cut(part, ";")
		if strings.ReplaceAll(parameters, " ", "") != "q=0" {
			accepted[strings.TrimSpace(name)] = true
		}
	}
	for _, encoding := range encodings {
		if accepted[encoding] {
			return encoding
		}
	}
	return ""
}

func newEncoder(w io.Writer, encoding string) (io.WriteCloser, error) {
	switch encoding {
	case "br":
		return brotli.NewWriterLevel(w, brotli.BestSpeed), nil
	case "zstd":
		return zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	case "deflate":
		return zlib.NewWriterLevel(w, zlib.BestSpeed)
	case "lz4":
		return lz4.NewWriter(w), nil
	default:
		return gzip.NewWriterLevel(w, gzip.BestSpeed)
	}
}
