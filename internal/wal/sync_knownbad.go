//go:build knownbad_nofsync

package wal

// syncFile is wrong on purpose: the enumeration of crashes must notice.
func syncFile(File) error { return nil }
