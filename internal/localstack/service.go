package localstack

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// pollInterval is how often a starting program is asked whether it is ready:
// short beside the start-up time of any of them (50 ms to seconds).
const pollInterval = 25 * time.Millisecond

// Service is one program of the stack.
type Service struct {
	Name    string
	Command func() *exec.Cmd            // makes a fresh command for every start
	RunAs   *syscall.Credential         // nil: as the caller
	Ready   func(context.Context) error // nil when the program answers

	StartTimeout time.Duration  // from start to ready
	StopSignal   syscall.Signal // asks for an orderly end
	StopTimeout  time.Duration  // after which the process group is killed
	OrphanSignal syscall.Signal // sent by the kernel when the supervisor dies
}

// process is one life of a service.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended and err is set
	err  error
}

func (p *process) exited() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// awaitReady waits until the service answers, its process ends, or time is up.
func (p *process) awaitReady(ctx context.Context, service Service) error {
	ctx, cancel := context.WithTimeout(ctx, service.StartTimeout)
	defer cancel()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	var last error
	for {
		if last = service.Ready(ctx); last == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s ended before it was ready: %w", service.Name, p.err)
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return fmt.Errorf("%s is not ready after %s: %w", service.Name, service.StartTimeout, last)
			}
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// stop asks the process to end and kills its group when it does not in time.
func (p *process) stop(service Service, kill <-chan struct{}) {
	if p.exited() {
		return
	}
	_ = p.cmd.Process.Signal(service.StopSignal)
	timer := time.NewTimer(service.StopTimeout)
	defer timer.Stop()
	select {
	case <-p.done:
		return
	case <-timer.C:
	case <-kill:
	}
	p.kill()
	<-p.done
}

// kill ends the process and all it started: it leads a process group.
func (p *process) kill() { _ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) }
