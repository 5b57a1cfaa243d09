package wal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Disk is the folder of a log. Names are without a path, but for the one in
// quarantine. What was created, renamed or removed is certain to stay so after
// a crash only once Sync has returned.
type Disk interface {
	List() ([]string, error)
	// Create makes a file that must not exist, and reserves its size.
	Create(name string, size int64) (File, error)
	Open(name string) (Reader, error)
	Quarantine(name string) error
	Remove(name string) error
	Sync() error
	// Free is the number of bytes that may still be reserved.
	Free() (int64, error)
	Close() error
}

// File is written from its beginning to its end.
type File interface {
	io.Writer
	// Sync returns when all that was written will survive the machine.
	Sync() error
	// Truncate cuts the file, reserved space included.
	Truncate(size int64) error
	io.Closer
}

// Reader reads a file, which may be growing.
type Reader interface {
	io.ReaderAt
	io.Closer
	Size() (int64, error)
}

const quarantineFolder = "quarantine"

// ErrInUse means that another process has the folder open.
var ErrInUse = errors.New("the folder is in use by another process")

type folder struct {
	path string
	self *os.File // the folder, for Sync
	lock *os.File
}

// Folder opens a folder, which it makes if need be, for this process alone.
func Folder(path string) (Disk, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the log: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the folder of the log: %w", err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = lock.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = ErrInUse
		}
		return nil, fmt.Errorf("lock the folder of the log %s: %w", path, err)
	}
	self, err := os.Open(path)
	if err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("open the folder of the log: %w", err)
	}
	return &folder{path: path, self: self, lock: lock}, nil
}

func (f *folder) List() ([]string, error) {
	entries, err := os.ReadDir(f.path)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		if entry.Type().IsRegular() {
			names = append(names, entry.Name())
		}
	}
	return names, nil
}

func (f *folder) Create(name string, size int64) (File, error) {
	file, err := os.OpenFile(filepath.Join(f.path, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	err = unix.Fallocate(int(file.Fd()), 0, 0, size)
	if err == nil || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		return osFile{file}, nil
	}
	_ = file.Close()
	_ = os.Remove(file.Name()) // else the name could not be used again
	return nil, &fs.PathError{Op: "fallocate", Path: file.Name(), Err: err}
}

func (f *folder) Open(name string) (Reader, error) {
	file, err := os.Open(filepath.Join(f.path, name))
	if err != nil {
		return nil, err
	}
	return osReader{file}, nil
}

func (f *folder) Quarantine(name string) error {
	if err := os.MkdirAll(filepath.Join(f.path, quarantineFolder), 0o700); err != nil {
		return err
	}
	target := filepath.Join(f.path, quarantineFolder, name)
	for i := 1; ; i++ { // never onto another
		if _, err := os.Lstat(target); errors.Is(err, fs.ErrNotExist) {
			return os.Rename(filepath.Join(f.path, name), target)
		}
		target = filepath.Join(f.path, quarantineFolder, fmt.Sprintf("%s.%d", name, i))
	}
}

func (f *folder) Remove(name string) error { return os.Remove(filepath.Join(f.path, name)) }
func (f *folder) Sync() error              { return f.self.Sync() }

func (f *folder) Free() (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(f.path, &s); err != nil {
		return 0, &fs.PathError{Op: "statfs", Path: f.path, Err: err}
	}
	return int64(s.Bavail) * s.Bsize, nil
}

func (f *folder) Close() error { return errors.Join(f.self.Close(), f.lock.Close()) }

type osFile struct{ *os.File }

// Sync leaves out the times of the file, which nobody reads.
func (f osFile) Sync() error {
	control, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = control.Control(func(fd uintptr) { failed = unix.Fdatasync(int(fd)) })
	return errors.Join(err, failed)
}

type osReader struct{ *os.File }

func (r osReader) Size() (int64, error) {
	info, err := r.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
