package chdb

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// kernelSigaction is the kernel's struct sigaction. Its fields are only
// carried, never read, so the order (which differs between processors) does
// not matter; 32 bytes hold it on amd64 and arm64.
type kernelSigaction [4]uint64

const (
	lastSignal    = 64
	signalSetSize = 8
)

// keepSignals runs f and then puts back every signal action that f changed:
// libchdb resets some and takes others when it connects, and the Go runtime
// needs its own for stack growth, preemption and recovered nil dereferences.
func keepSignals(f func()) error {
	before, err := readSignals()
	if err != nil {
		return err
	}
	f()
	after, err := readSignals()
	if err != nil {
		return err
	}
	for signal := 1; signal <= lastSignal; signal++ {
		if before[signal] == after[signal] {
			continue
		}
		if err := sigaction(signal, &before[signal], nil); err != nil {
			return fmt.Errorf("restore the action of signal %d: %w", signal, err)
		}
	}
	return nil
}

func readSignals() (*[lastSignal + 1]kernelSigaction, error) {
	var actions [lastSignal + 1]kernelSigaction
	for signal := 1; signal <= lastSignal; signal++ {
		if err := sigaction(signal, nil, &actions[signal]); err != nil {
			return nil, fmt.Errorf("read the action of signal %d: %w", signal, err)
		}
	}
	return &actions, nil
}

func sigaction(signal int, set, old *kernelSigaction) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(signal),
		uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(old)), signalSetSize, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
