//go:build linux

package load

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// ready is what the load process says when it has encoded everything.
const ready = "ready\n"

// outcome is what it says in the end.
type outcome struct {
	Result *Result
	Fault  string
}

// Serve is the load process: it reads a job, says that it is ready, and runs it
// when it is told to.
func Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	orders := bufio.NewReader(in)
	line, err := orders.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("read the job: %w", err)
	}
	job := &Job{}
	if err := json.Unmarshal(line, job); err != nil {
		return fmt.Errorf("read the job: %w", err)
	}
	g, err := prepare(ctx, job)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(out, ready); err != nil {
		return err
	}
	if _, err := orders.ReadString('\n'); err != nil {
		return fmt.Errorf("await the start: %w", err)
	}
	said := outcome{}
	if said.Result, err = g.run(ctx); err != nil {
		said.Fault = err.Error()
	}
	return json.NewEncoder(out).Encode(said)
}

// Process is a load process that waits for its start.
type Process struct {
	command *exec.Cmd
	orders  io.WriteCloser
	answers *bufio.Reader
	errors  strings.Builder
}

// Start starts this program again as a load process, with an argument that makes
// it call [Serve].
func Start(ctx context.Context, job *Job, argument string) (*Process, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	p := &Process{command: exec.CommandContext(ctx, program, argument)}
	p.command.Stderr = &p.errors
	p.command.WaitDelay = time.Second
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	answers, err := p.command.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start the load: %w", err)
	}
	p.answers = bufio.NewReader(answers)
	if p.orders, err = p.command.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start the load: %w", err)
	}
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("start the load: %w", err)
	}
	err = json.NewEncoder(p.orders).Encode(job)
	if err == nil {
		_, err = p.answers.ReadString('\n')
	}
	if err != nil {
		p.orders.Close()
		return nil, fmt.Errorf("prepare the load: %w", errors.Join(p.command.Wait(), errors.New(p.errors.String())))
	}
	return p, nil
}

// Run sends the load and waits for its end.
func (p *Process) Run() (*Result, error) {
	_, err := io.WriteString(p.orders, "go\n")
	said := outcome{}
	if err == nil {
		err = json.NewDecoder(p.answers).Decode(&said)
	}
	p.orders.Close()
	if ended := p.command.Wait(); err != nil || ended != nil {
		return nil, fmt.Errorf("run the load: %w", errors.Join(ended, errors.New(p.errors.String())))
	}
	if said.Fault != "" {
		return said.Result, fmt.Errorf("send the load: %s", said.Fault)
	}
	return said.Result, nil
}
