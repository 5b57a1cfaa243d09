package testkit

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"
)

// guard starts a server that dies with the test binary, kill -9 included: a
// shell in a process group of its own waits on a pipe that the kernel closes
// when this process ends, then kills the server and removes its folder.
//
// The returned function does the same at once. Its owner keeps it reachable: the
// pipe is closed, and the server gone, when it is collected as garbage.
func guard(dir string, as *syscall.Credential, quit, program string, args ...string) (stop func(), err error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("open the watchdog's pipe: %w", err)
	}
	defer read.Close()
	log, err := os.Create(dir + "/log")
	if err != nil {
		return nil, fmt.Errorf("create the server's log: %w", err)
	}
	defer log.Close()

	const script = `dir=$1 quit=$2; shift 2; "$@" </dev/null & pid=$!; read gone; kill -$quit $pid; wait $pid; rm -rf "$dir"`
	cmd := exec.Command("/bin/sh", append([]string{"-c", script, "watchdog", dir, quit, program}, args...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.Dir = read, log, log, dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: as}
	if err := cmd.Start(); err != nil {
		write.Close()
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	return func() { write.Close(); _ = cmd.Wait() }, nil
}

// serverDir makes a folder with a path that is short enough for a unix socket
// and that the server's user may use.
func serverDir(as *syscall.Credential) (string, error) {
	dir, err := os.MkdirTemp("/tmp", "tf")
	if err != nil {
		return "", err
	}
	if as == nil {
		return dir, nil
	}
	return dir, os.Chown(dir, int(as.Uid), int(as.Gid))
}

// unprivileged is whom to run a server as: PostgreSQL refuses root. It is nil,
// this very user, unless that is root.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(account.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(account.Gid, 10, 32)
		if uidErr == nil && gidErr == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("run the tests as an ordinary user: there is neither postgres nor nobody to start PostgreSQL as")
}

// logTail is the end of a server's log, for the error of a failed start.
func logTail(dir string) string {
	content, _ := os.ReadFile(dir + "/log")
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	return strings.Join(lines[max(0, len(lines)-10):], "\n")
}
