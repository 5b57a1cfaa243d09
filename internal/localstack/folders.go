package localstack

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// serverStore is where the servers' data goes when the data folder lies where
// their account may not go, such as below /root.
const serverStore = "/var/lib/telemetryflow"

// folders are the places inside the data folder.
type folders struct {
	root    string // lock, state, first key, logs: the caller's alone
	servers string // data of the servers, which their account can reach
}

func openFolders(root, store string, account *syscall.Credential) (*folders, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	// Others may pass through but not list: the servers run as another account.
	if err := os.MkdirAll(root, 0o711); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	f := &folders{root: root}
	if f.servers, err = openServers(filepath.Join(root, "servers"), store, account); err != nil {
		return nil, err
	}
	return f, nil
}

// openServers returns the real folder behind path: path itself, or the one in
// the store that a link at path leads to.
func openServers(path, store string, account *syscall.Credential) (string, error) {
	if target, err := os.Readlink(path); err == nil {
		if err := os.MkdirAll(target, 0o711); err != nil {
			return "", fmt.Errorf("make the servers' data folder: %w", err)
		}
		return target, nil
	}
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) && !reaches(account, filepath.Dir(path)) {
		return linkToStore(path, store)
	}
	if err := os.MkdirAll(path, 0o711); err != nil {
		return "", fmt.Errorf("make the servers' data folder: %w", err)
	}
	if !reaches(account, path) {
		return "", fmt.Errorf("user %d may not enter %s, where the servers' data is: "+
			"move the folder to where that user may go", account.Uid, path)
	}
	return path, nil
}

func linkToStore(path, store string) (string, error) {
	if err := os.MkdirAll(store, 0o711); err != nil {
		return "", fmt.Errorf("make the servers' data folder: %w", err)
	}
	target, err := os.MkdirTemp(store, "local-")
	if err != nil {
		return "", fmt.Errorf("make the servers' data folder: %w", err)
	}
	if err := errors.Join(os.Chmod(target, 0o711), os.Symlink(target, path)); err != nil {
		return "", fmt.Errorf("link to the servers' data folder: %w", err)
	}
	return target, nil
}

// server makes the data folder of one server, owned by the account it runs as.
func (f *folders) server(name string, account *syscall.Credential) (string, error) {
	path := filepath.Join(f.servers, name)
	if err := os.MkdirAll(path, 0o700); err != nil {
		return "", fmt.Errorf("make the data folder of %s: %w", name, err)
	}
	return path, handOver(account, path)
}

func (f *folders) logs() string      { return filepath.Join(f.root, "logs") }
func (f *folders) state() string     { return filepath.Join(f.root, "stack.json") }
func (f *folders) firstKey() string  { return filepath.Join(f.root, "first-key") }
func (f *folders) systemKey() string { return filepath.Join(f.root, "system-key") }
