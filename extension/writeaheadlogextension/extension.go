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

// OpenLog opens the log of a name, in a folder of that name.
func (e *logExtension) OpenLog(name string) (string, *wal.Log, error) {
	path := filepath.Join(e.config.Directory, name)
	disk, err := wal.Folder(path)
	if err != nil {
		return "", nil, err
	}
	log, err := wal.Open(disk, wal.Settings{SegmentSize: e.config.SegmentSize, MaxSize: e.config.MaxSize, MinFree: e.config.MinFreeSpace})
	if err != nil {
		_ = disk.Close()
		return "", nil, fmt.Errorf("%s: %w", path, err)
	}
	return path, log, nil
}
