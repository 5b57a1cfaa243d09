package localstack

import "syscall"

// processAttributes puts a child into a process group of its own, so that Ctrl-C
// on the terminal reaches the supervisor alone, and has the kernel send it a
// signal when the supervisor dies without stopping it.
func processAttributes(orphan syscall.Signal, credential *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: orphan, Credential: credential}
}
