package localstack

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// supervisorFolder, when set, makes the test binary a supervisor of one sleeping
// child on that data folder, to be killed by a test.
const supervisorFolder = "LOCALSTACK_TEST_SUPERVISOR"

func TestMain(m *testing.M) {
	if folder := os.Getenv(supervisorFolder); folder != "" {
		superviseForEver(folder)
	}
	os.Exit(m.Run())
}

func superviseForEver(folder string) {
	held, err := acquireLocks(context.Background(), folder)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	out, err := newOutput(os.Stderr, folder)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	s := newSupervisor(out, held.children)
	service := script("child", `trap "" TERM INT; echo $$ >"$0/pid"; exec sleep 1000`, folder)
	if err := s.start(context.Background(), service); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("up")
	select {}
}

// script is a service that runs a shell script and is ready at once.
func script(name, text string, arguments ...string) Service {
	return Service{
		Name:         name,
		Command:      func() *exec.Cmd { return exec.Command("sh", append([]string{"-c", text}, arguments...)...) },
		Ready:        func(context.Context) error { return nil },
		StartTimeout: time.Minute,
		StopSignal:   syscall.SIGTERM,
		StopTimeout:  time.Minute,
		OrphanSignal: syscall.SIGKILL,
	}
}
