//go:build !linux

package chdb

func totalMemory() uint64 { return 4 << 30 }
