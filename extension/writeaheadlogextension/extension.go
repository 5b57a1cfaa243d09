package writeaheadlogextension

import (
	"fmt"
	"path/filepath"

	"go.opentelemetry.io/collector/component"

	"github.com/telemetryflow/telemetryflow/internal/wal"
)

var _ wal.Opener = (*logExtension)(nil)

// logExtension opens logs when it is asked to; the components close them.
type logExtension struct {
	component.StartFunc
	component.ShutdownFunc
	config *Config
}

// OpenLog opens the log of a component in a folder named after it.
func (e *logExtension) OpenLog(name string) (*wal.Log, error) {
	disk, err := wal.Folder(filepath.Join(e.config.Directory, folderName(name)))
	if err != nil {
		return nil, err
	}
	log, err := wal.Open(disk, wal.Settings{SegmentSize: e.config.SegmentSize, MaxSize: e.config.MaxSize, MinFree: e.config.MinFreeSpace})
	if err != nil {
		_ = disk.Close()
		return nil, fmt.Errorf("%s: %w", e.config.Directory, err)
	}
	return log, nil
}

// folderName writes the id of a component, such as tenant_clickhouse/eu, without
// what cannot stand in a file's name. Different ids have different names.
func folderName(id string) string {
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
