package encode

import (
	"bufio"
	"encoding/binary"
	"io"
)

// nativeBuffer is for what is made while it is written; larger pieces go past it.
const nativeBuffer = 64 << 10

// native writes the Native format. Its errors show at the end, in Flush.
type native struct{ *bufio.Writer }

func (n native) bytes(v []byte)   { _, _ = n.Write(v) }
func (n native) uvarint(v uint64) { n.bytes(binary.AppendUvarint(n.AvailableBuffer(), v)) }

func (n native) uint64(v uint64) {
	n.bytes(binary.LittleEndian.AppendUint64(n.AvailableBuffer(), v))
}

func (n native) text(v string) {
	n.uvarint(uint64(len(v)))
	_, _ = n.WriteString(v)
}

// counter counts what is written.
type counter struct {
	to      io.Writer
	written int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.written += int64(n)
	return n, err
}
