//go:build unix && !linux

package localstack

import "syscall"

// processAttributes puts a child into a process group of its own. Only Linux can
// end children together with a killed supervisor; elsewhere the next start waits
// for them to be stopped by hand and says so.
func processAttributes(_ syscall.Signal, credential *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: credential}
}
