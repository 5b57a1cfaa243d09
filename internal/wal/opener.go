package wal

import "fmt"

// Opener is what components find at their host to keep a log: the extension
// write_ahead_log.
type Opener interface {
	// OpenLog opens the log of a name, which is a path of names as FolderName makes
	// them, and returns the folder that it is in. The caller closes the log. Names must differ.
	OpenLog(name string) (folder string, log *Log, err error)
}

// FolderName writes the id of a component, such as tenant_clickhouse/eu, without
// what cannot stand in a file's name. Different ids have different names.
func FolderName(id string) string {
	name := make([]byte, 0, len(id))
	for _, c := range []byte(id) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-':
			name = append(name, c)
		default:
			name = fmt.Appendf(name, "%%%02X", c)
		}
	}
	return string(name)
}
