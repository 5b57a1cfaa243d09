package wal

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// Kind says what a record is. 0 is the log's own.
type Kind uint8

const kindHeader Kind = 0

// Record is what Append was given. Its payload is valid during the visit only.
type Record struct {
	Position Position // of its first byte
	Kind     Kind
	Payload  []byte
}

// End is the position behind the record.
func (r Record) End() Position { return r.Position + Position(frameSize+len(r.Payload)) }

const (
	frameSize = 4 + 4 + 4 + 1
	// maxPayload keeps a changed length from being believed.
	maxPayload = 1 << 30
)

var (
	magic      = []byte("TFr1")
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

func appendRecord(dst []byte, at Position, kind Kind, payload []byte) []byte {
	dst = append(dst, magic...)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(payload)))
	dst = binary.LittleEndian.AppendUint32(dst, checksum(at, kind, payload))
	dst = append(dst, byte(kind))
	return append(dst, payload...)
}

func checksum(at Position, kind Kind, payload []byte) uint32 {
	var covered [13]byte
	binary.LittleEndian.PutUint64(covered[0:], uint64(at))
	binary.LittleEndian.PutUint32(covered[8:], uint32(len(payload)))
	covered[12] = byte(kind)
	return crc32.Update(crc32.Checksum(covered[:], castagnoli), castagnoli, payload)
}

// parseRecord reads the record with which data begins.
func parseRecord(data []byte, at Position) (Record, bool) {
	if len(data) < frameSize || !bytes.HasPrefix(data, magic) {
		return Record{}, false
	}
	length := binary.LittleEndian.Uint32(data[4:])
	if length > maxPayload || int(length) > len(data)-frameSize {
		return Record{}, false
	}
	kind, payload := Kind(data[12]), data[frameSize:frameSize+int(length)]
	if checksum(at, kind, payload) != binary.LittleEndian.Uint32(data[8:]) {
		return Record{}, false
	}
	return Record{Position: at, Kind: kind, Payload: payload}, true
}

// nextRecord finds the first record at or behind an offset.
func nextRecord(data []byte, start Position, offset int) (Record, bool) {
	for offset < len(data) {
		found := bytes.Index(data[offset:], magic)
		if found < 0 {
			break
		}
		offset += found
		if r, ok := parseRecord(data[offset:], start+Position(offset)); ok {
			return r, true
		}
		offset++
	}
	return Record{}, false
}
