package chdb

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// lockFile is held for as long as the engine runs; the kernel lets go of it
// when the process dies, however it dies.
const lockFile = "telemetryflow-engine.lock"

// lockDataPath makes the data path this process's own, or says whose it is.
func lockDataPath(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("create data path: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock of data path: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer file.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock data path %s: %w", dir, err)
		}
		owner, _ := os.ReadFile(file.Name())
		return nil, fmt.Errorf("data path %s is in use by process %s: stop it, or choose another --data-dir", dir, strings.TrimSpace(string(owner)))
	}
	if err := writeOwner(file); err != nil {
		file.Close()
		return nil, fmt.Errorf("write lock of data path: %w", err)
	}
	return file, nil
}

func writeOwner(file *os.File) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err := fmt.Fprintf(file, "%d (%s)\n", os.Getpid(), filepath.Base(os.Args[0]))
	return err
}
