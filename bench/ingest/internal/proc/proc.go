// Package proc reads what Linux counts of processes and of the machine.
package proc

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of the processor times in /proc, the same on every Linux.
const tick = 10 * time.Millisecond

// CPU is the processor time that a process has used, all its threads together.
func CPU(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("read the processor time: %w", err)
	}
	// The name in parentheses may hold anything; fields are counted from its end.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 13 {
		return 0, fmt.Errorf("read the processor time of process %d: %d fields", pid, len(fields))
	}
	return ticks(fields[11:13]) // utime and stime
}

// Busy is the processor time that the whole machine has used, what a hypervisor
// took away included.
func Busy() (time.Duration, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, fmt.Errorf("read the machine's processor time: %w", err)
	}
	fields := strings.Fields(string(text))
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0, fmt.Errorf("read the machine's processor time: %.40q", text)
	}
	// user nice system idle iowait irq softirq steal
	return ticks(append(fields[1:4:4], fields[6:9]...))
}

func ticks(fields []string) (sum time.Duration, err error) {
	for _, field := range fields {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read processor time: %w", err)
		}
		sum += time.Duration(n) * tick
	}
	return sum, nil
}

// PeakRSS is the most memory in bytes that a process has held.
func PeakRSS(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("read the peak of memory: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, "VmHWM:"); found {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("read the peak of memory of process %d: no VmHWM", pid)
}

// Stalled is for how long in all some task has waited for a processor.
func Stalled() (time.Duration, error) {
	text, err := os.ReadFile("/proc/pressure/cpu")
	if err != nil {
		return 0, fmt.Errorf("read the pressure on the processors: %w", err)
	}
	for field := range strings.FieldsSeq(string(text)) { // some avg10=… avg60=… avg300=… total=…
		if value, found := strings.CutPrefix(field, "total="); found {
			micros, err := strconv.ParseInt(value, 10, 64)
			return time.Duration(micros) * time.Microsecond, err
		}
	}
	return 0, fmt.Errorf("read the pressure on the processors: %.40q", text)
}
