package password

import (
	"bytes"
	"compress/gzip"
	_ "embed" // common.txt.gz
	"fmt"
	"io"
	"strings"
)

// commonList is one password a line, lower case, of floorLength characters or more,
// sorted by bytes. NOTICE says where it is from.
//
//go:embed common.txt.gz
var commonList []byte

func readCommon() ([]string, error) {
	unpacked, err := gzip.NewReader(bytes.NewReader(commonList))
	if err != nil {
		return nil, fmt.Errorf("read the common passwords: %w", err)
	}
	text, err := io.ReadAll(unpacked)
	if err != nil {
		return nil, fmt.Errorf("read the common passwords: %w", err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n"), nil
}
