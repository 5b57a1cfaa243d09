package localstack

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// unprivilegedAccounts are who runs the servers when the caller is root, the
// first that exists. PostgreSQL refuses to run as root; Debian's package brings
// the first account, and every system has the second.
var unprivilegedAccounts = [...]string{"postgres", "nobody"}

// unprivileged returns the account for the servers: nil when the caller is not
// root, and they run as the caller.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range unprivilegedAccounts {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(found.Uid, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("account %s: %w", name, err)
		}
		gid, err := strconv.ParseUint(found.Gid, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("account %s: %w", name, err)
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, fmt.Errorf("the servers must not run as root, and none of the accounts %v exists: "+
		"start as another user", unprivilegedAccounts)
}

// reaches asks the kernel whether the account may pass through the folder, and
// so through all above it.
func reaches(credential *syscall.Credential, folder string) bool {
	if credential == nil {
		return true
	}
	test := exec.Command("test", "-x", folder)
	test.Dir = "/"
	test.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
	return test.Run() == nil
}

// handOver makes the account the owner of a folder and all below it. It looks
// only at the folder itself to see whether that was done before.
func handOver(credential *syscall.Credential, folder string) error {
	uid, gid := os.Geteuid(), os.Getegid()
	if credential != nil {
		uid, gid = int(credential.Uid), int(credential.Gid)
	}
	info, err := os.Stat(folder)
	if err != nil {
		return fmt.Errorf("hand over %s: %w", folder, err)
	}
	if status, ok := info.Sys().(*syscall.Stat_t); ok && int(status.Uid) == uid {
		return nil
	}
	// The folder comes last, so that an interrupted walk is done again.
	err = filepath.WalkDir(folder, func(path string, _ os.DirEntry, err error) error {
		if err != nil || path == folder {
			return err
		}
		return os.Lchown(path, uid, gid)
	})
	if err == nil {
		err = os.Chown(folder, uid, gid)
	}
	if err != nil {
		return fmt.Errorf("hand over %s to user %d: %w", folder, uid, err)
	}
	return nil
}
