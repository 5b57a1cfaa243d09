package localstack

import (
	"os/exec"
	"runtime"
)

// launcher starts processes from one thread that lives as long as the
// supervisor: the kernel sends the orphan signal when the *thread* that started
// a child ends, and the Go runtime may end any other thread early.
type launcher struct {
	requests chan launch
}

type launch struct {
	cmd    *exec.Cmd
	result chan error
}

func newLauncher() *launcher {
	l := &launcher{requests: make(chan launch)}
	go func() {
		runtime.LockOSThread()
		for request := range l.requests {
			request.result <- request.cmd.Start()
		}
	}()
	return l
}

func (l *launcher) start(cmd *exec.Cmd) error {
	result := make(chan error, 1)
	l.requests <- launch{cmd: cmd, result: result}
	return <-result
}

// close ends the thread. Every child must have ended before.
func (l *launcher) close() { close(l.requests) }
