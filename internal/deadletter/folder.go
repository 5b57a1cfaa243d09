package deadletter

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	suffix = ".letter"
	// replayedSuffix is of a letter whose rows are stored, until the collector has
	// counted them.
	replayedSuffix = ".replayed"
	// FolderName is of the folder of letters in a log's folder.
	FolderName = "dead"
)

// Folder is a folder of letters. A collector and a command may use it at once.
type Folder struct{ path string }

// Open returns the folder, which is made with its first letter.
func Open(path string) *Folder { return &Folder{path: path} }

// Path is where the folder is.
func (f *Folder) Path() string { return f.path }

// Write returns when the letter will survive the machine. It takes the place of
// one of the same id.
func (f *Folder) Write(l *Letter) error {
	text, err := l.marshal()
	if err == nil {
		err = os.MkdirAll(f.path, 0o700)
	}
	if err == nil {
		err = f.write(filepath.Join(f.path, l.ID+suffix), text)
	}
	if err != nil {
		return fmt.Errorf("write the dead letter %s: %w", l.ID, err)
	}
	return nil
}

func (f *Folder) write(name string, text []byte) error {
	file, err := os.OpenFile(name+".tmp", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	if err := os.Rename(file.Name(), name); err != nil {
		return err
	}
	return f.sync()
}

// sync makes the names in the folder durable.
func (f *Folder) sync() error {
	folder, err := os.Open(f.path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// List returns the ids of all letters.
func (f *Folder) List() ([]string, error) { return f.list(suffix) }

// Replayed returns the ids of the letters that were replayed and not settled.
func (f *Folder) Replayed() ([]string, error) { return f.list(replayedSuffix) }

func (f *Folder) list(suffix string) (ids []string, err error) {
	entries, err := os.ReadDir(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, entry := range entries {
		if id, found := strings.CutSuffix(entry.Name(), suffix); found {
			ids = append(ids, id)
		}
	}
	return ids, err
}

// Has says whether there is a letter, replayed or not.
func (f *Folder) Has(id string) bool {
	for _, suffix := range [...]string{suffix, replayedSuffix} {
		if _, err := os.Stat(filepath.Join(f.path, id+suffix)); err == nil {
			return true
		}
	}
	return false
}

// Read reads a letter, replayed or not.
func (f *Folder) Read(id string) (*Letter, error) {
	text, err := os.ReadFile(filepath.Join(f.path, id+suffix))
	if errors.Is(err, fs.ErrNotExist) {
		text, err = os.ReadFile(filepath.Join(f.path, id+replayedSuffix))
	}
	if err != nil {
		return nil, fmt.Errorf("read the dead letter %s: %w", id, err)
	}
	return unmarshal(id, text)
}

// MarkReplayed says that all rows of a letter are stored.
func (f *Folder) MarkReplayed(id string) error {
	err := os.Rename(filepath.Join(f.path, id+suffix), filepath.Join(f.path, id+replayedSuffix))
	return errors.Join(err, f.sync())
}

// Settle removes a replayed letter once its rows are counted as stored.
func (f *Folder) Settle(id string) error {
	return os.Remove(filepath.Join(f.path, id+replayedSuffix))
}

// Drop removes a letter and its rows.
func (f *Folder) Drop(id string) error {
	return errors.Join(os.Remove(filepath.Join(f.path, id+suffix)), f.sync())
}

// Expire removes the letters that were written before a time, and returns them.
func (f *Folder) Expire(before time.Time) (expired []*Letter, err error) {
	ids, err := f.List()
	for _, id := range ids {
		l, unreadable := f.Read(id)
		if unreadable != nil {
			continue // it is left for somebody to look at
		}
		if !l.Written.Before(before) {
			continue
		}
		if failed := f.Drop(id); failed != nil {
			err = errors.Join(err, failed)
			continue
		}
		expired = append(expired, l)
	}
	return expired, err
}
