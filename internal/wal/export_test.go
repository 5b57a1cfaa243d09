package wal

import "encoding/binary"

// Header is the first record of a log of a version.
func Header(version uint16) []byte {
	return appendRecord(nil, 0, kindHeader, binary.LittleEndian.AppendUint16(nil, version))
}
