package server

import "golang.org/x/sys/unix"

// machineMemory returns the bytes of memory of this machine, zero when it cannot be told.
func machineMemory() int64 {
	n, err := unix.SysctlUint64("hw.memsize")
	if err != nil {
		return 0
	}
	return int64(n) //nolint:gosec // no machine has so much
}
