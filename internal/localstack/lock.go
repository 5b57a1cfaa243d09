package localstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// orphanWait is how long a start waits for the programs of a supervisor that was
// killed: the kernel has told them to end, and PostgreSQL, the slowest, gives its
// own processes 5 s.
const orphanWait = 15 * time.Second

// locks makes one supervisor the owner of a data folder.
type locks struct {
	owner    *os.File // held by the supervisor
	children *os.File // inherited by every program, so held until the last has ended
}

func acquireLocks(ctx context.Context, folder string) (*locks, error) {
	owner, err := openLock(filepath.Join(folder, "lock"))
	if err != nil {
		return nil, err
	}
	if err := tryLock(owner); err != nil {
		defer owner.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("another telemetryflow up (process %s) uses %s: stop it, or name another folder with --data-dir",
				holder(owner), folder)
		}
		return nil, fmt.Errorf("lock %s: %w", owner.Name(), err)
	}
	children, err := openLock(filepath.Join(folder, "children.lock"))
	if err == nil {
		err = awaitOrphans(ctx, children)
	}
	if err != nil {
		return nil, errors.Join(err, owner.Close())
	}
	if err := writeHolder(owner); err != nil {
		return nil, errors.Join(err, owner.Close(), children.Close())
	}
	return &locks{owner: owner, children: children}, nil
}

func (l *locks) release() error { return errors.Join(l.children.Close(), l.owner.Close()) }

func openLock(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock of the data folder: %w", err)
	}
	return file, nil
}

func tryLock(file *os.File) error {
	return unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
}

// awaitOrphans takes the lock that the children of an earlier run may still hold.
func awaitOrphans(ctx context.Context, children *os.File) error {
	ctx, cancel := context.WithTimeout(ctx, orphanWait)
	defer cancel()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		err := tryLock(children)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return errors.Join(fmt.Errorf("lock %s: %w", children.Name(), err), children.Close())
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("programs of an earlier run still use the data folder: "+
				"`fuser -v %s` lists them, end them and start again", children.Name()), children.Close())
		case <-ticker.C:
		}
	}
}

func holder(lock *os.File) string {
	text, err := os.ReadFile(lock.Name())
	if err != nil || len(text) == 0 {
		return "unknown"
	}
	return strings.TrimSpace(string(text))
}

func writeHolder(lock *os.File) error {
	if err := lock.Truncate(0); err != nil {
		return fmt.Errorf("write the lock: %w", err)
	}
	if _, err := lock.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0); err != nil {
		return fmt.Errorf("write the lock: %w", err)
	}
	return nil
}
