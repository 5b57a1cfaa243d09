//go:build !knownbad_nofsync

package wal

// syncFile returns when all that was written to the file will survive the machine.
func syncFile(file File) error { return file.Sync() }
