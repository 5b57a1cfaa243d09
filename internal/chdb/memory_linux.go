package chdb

import "golang.org/x/sys/unix"

// totalMemory is the machine's memory in bytes, or 4 GiB when it cannot be read.
func totalMemory() uint64 {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return 4 << 30
	}
	return uint64(info.Totalram) * uint64(info.Unit) //nolint:unconvert // the field's width differs between processors
}
