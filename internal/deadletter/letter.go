// Package deadletter keeps on disk the rows that ClickHouse will never take, until
// somebody has removed the cause and sends them again, or they are too old.
//
// A letter is a file of a folder: a line of JSON, the [Header], and the bytes of its
// blocks in the Native format. Its name comes from the batch that it was in, so that
// writing it again after a crash makes no second one.
package deadletter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"time"
)

// formatVersion is of the files. Letters of a later one are not read.
const formatVersion = 1

// Header says what a letter is.
type Header struct {
	Version int       `json:"version"`
	Written time.Time `json:"written"`
	Signal  string    `json:"signal"`
	Batch   string    `json:"batch"`
	Table   string    `json:"table"`
	Rows    int       `json:"rows"`
	// Cause is what ClickHouse said.
	Cause string `json:"cause"`
	// Schema is the version of the tables for which the rows were made.
	Schema int64 `json:"schema"`
	// Items says whose items the rows are. It is empty when the rows are none.
	Items []Items `json:"items"`
	// Blocks are in the order in which they are to be inserted, one per partition: those of
	// Table hold the rows, and those before them what the rows refer to.
	Blocks   []Block `json:"blocks"`
	Checksum uint32  `json:"checksum"` // CRC-32C of all blocks
}

// Items is how many items of a request are in a letter.
type Items struct {
	Request   uint64 `json:"request"`
	Key       string `json:"key"`
	Workspace string `json:"workspaceId"`
	Tenant    string `json:"tenantId"`
	Count     int    `json:"count"`
}

// Block is one INSERT.
type Block struct {
	Table   string   `json:"table"`
	Columns []string `json:"columns"`
	Token   string   `json:"token"`
	Rows    int      `json:"rows"`
	Size    int      `json:"size"` // bytes

	Body []byte `json:"-"`
}

// Letter is one file.
type Letter struct {
	ID string
	Header
}

var (
	// ErrUnreadable means that a file is not a letter, or has changed on disk.
	ErrUnreadable = errors.New("not a dead letter, or damaged")
	castagnoli    = crc32.MakeTable(crc32.Castagnoli)
)

func (l *Letter) marshal() ([]byte, error) {
	l.Version, l.Checksum = formatVersion, 0
	for i := range l.Blocks {
		l.Blocks[i].Size = len(l.Blocks[i].Body)
		l.Checksum = crc32.Update(l.Checksum, castagnoli, l.Blocks[i].Body)
	}
	text, err := json.Marshal(l.Header)
	if err != nil {
		return nil, err
	}
	text = append(text, '\n')
	for i := range l.Blocks {
		text = append(text, l.Blocks[i].Body...)
	}
	return text, nil
}

func unmarshal(id string, text []byte) (*Letter, error) {
	line, rest, found := bytes.Cut(text, []byte{'\n'})
	l := &Letter{ID: id}
	if !found || json.Unmarshal(line, &l.Header) != nil {
		return nil, fmt.Errorf("%s: %w", id, ErrUnreadable)
	}
	if l.Version > formatVersion {
		return nil, fmt.Errorf("%s: written by a later version of this program (format %d, this one reads up to %d)", id, l.Version, formatVersion)
	}
	if crc32.Checksum(rest, castagnoli) != l.Checksum {
		return nil, fmt.Errorf("%s: %w", id, ErrUnreadable)
	}
	for i := range l.Blocks {
		size := l.Blocks[i].Size
		if size < 0 || size > len(rest) {
			return nil, fmt.Errorf("%s: %w", id, ErrUnreadable)
		}
		l.Blocks[i].Body, rest = rest[:size], rest[size:]
	}
	return l, nil
}
