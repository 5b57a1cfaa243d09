package localstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"time"
)

// A crashed program is started again after firstBackoff, doubled with every
// crash up to maxBackoff; one that ran for stableAfter starts over.
const (
	firstBackoff = 500 * time.Millisecond
	maxBackoff   = 30 * time.Second
	stableAfter  = time.Minute
)

// pipeGrace is how long the output of an ended process may stay open in a
// process that it left behind.
const pipeGrace = time.Second

// supervisor keeps services running, in groups that start and stop together.
type supervisor struct {
	launcher *launcher
	output   *output
	// hold is a locked file that every child inherits: the lock is free again
	// when the last of them, and of their own children, has ended.
	hold   *os.File
	kill   chan struct{} // closed to end everything at once
	groups [][]*runner
}

func newSupervisor(out *output, hold *os.File) *supervisor {
	return &supervisor{launcher: newLauncher(), output: out, hold: hold, kill: make(chan struct{})}
}

// start starts the services side by side and waits until all are ready. Those
// that were started are stopped by stop, also after an error.
func (s *supervisor) start(ctx context.Context, services ...Service) error {
	group := make([]*runner, 0, len(services))
	defer func() { s.groups = append(s.groups, group) }()
	for _, service := range services {
		r := &runner{
			supervisor: s, service: service,
			ready: make(chan struct{}), stopping: make(chan struct{}), finished: make(chan struct{}),
		}
		first, err := r.launch()
		if err != nil {
			return err
		}
		go r.run(first)
		group = append(group, r)
		r.first = first
	}
	failures := make([]error, len(group))
	var all sync.WaitGroup
	for i, r := range group {
		all.Go(func() {
			if failures[i] = r.first.awaitReady(ctx, r.service); failures[i] == nil {
				close(r.ready)
			}
		})
	}
	all.Wait()
	return errors.Join(failures...)
}

// stop ends all services, the group started last first.
func (s *supervisor) stop() {
	for i := len(s.groups) - 1; i >= 0; i-- {
		var group sync.WaitGroup
		for _, r := range s.groups[i] {
			group.Go(r.stop)
		}
		group.Wait()
	}
	s.groups = nil
}

// command prepares a child: output, process group, orphan signal, account, lock.
func (s *supervisor) command(service Service) *exec.Cmd {
	cmd := service.Command()
	cmd.Stdout = s.output.stream(service.Name)
	cmd.Stderr = cmd.Stdout
	cmd.WaitDelay = pipeGrace
	cmd.ExtraFiles = append(cmd.ExtraFiles, s.hold)
	cmd.SysProcAttr = processAttributes(service.OrphanSignal, service.RunAs)
	return cmd
}

// runner keeps one service running.
type runner struct {
	supervisor *supervisor
	service    Service
	first      *process
	ready      chan struct{} // closed when the first process was ready
	stopping   chan struct{}
	finished   chan struct{}
}

func (r *runner) launch() (*process, error) {
	cmd := r.supervisor.command(r.service)
	if err := r.supervisor.launcher.start(cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", r.service.Name, err)
	}
	p := &process{cmd: cmd, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		if p.err == nil {
			p.err = errors.New("exit status 0")
		}
		close(p.done)
	}()
	return p, nil
}

// run waits for the process to end and starts it again, until stop is called. A
// program that never was ready is not tried again: start reports it.
func (r *runner) run(p *process) {
	defer close(r.finished)
	select {
	case <-r.ready:
	case <-r.stopping:
		p.stop(r.service, r.supervisor.kill)
		return
	}
	backoff := firstBackoff
	for {
		started := time.Now()
		select {
		case <-r.stopping:
			p.stop(r.service, r.supervisor.kill)
			return
		case <-p.done:
		}
		p.kill() // what it left behind in its group
		if time.Since(started) > stableAfter {
			backoff = firstBackoff
		}
		if p = r.relaunch(p.err, &backoff); p == nil {
			return
		}
	}
}

// relaunch starts the service again after its back-off; nil when it was stopped.
func (r *runner) relaunch(cause error, backoff *time.Duration) *process {
	for {
		r.supervisor.output.notice("%s ended (%v), starting it again in %s", r.service.Name, cause, *backoff)
		select {
		case <-r.stopping:
			return nil
		case <-time.After(*backoff):
		}
		*backoff = min(2**backoff, maxBackoff)
		p, err := r.launch()
		if err == nil {
			return p
		}
		cause = err
	}
}

func (r *runner) stop() {
	close(r.stopping)
	<-r.finished
}
