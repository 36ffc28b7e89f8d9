package server

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// machineMemory returns the bytes of memory that this process can hope for: the
// machine's, or less where a container has a limit. Zero: it cannot be told.
func machineMemory() int64 {
	var all int64
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil {
		all = int64(info.Totalram) * int64(info.Unit) //nolint:gosec // the types differ between processors; no machine has so much
	}
	text, err := os.ReadFile("/sys/fs/cgroup/memory.max")
	if err != nil {
		return all
	}
	limit, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil || all > 0 && limit > all { // "max": no limit
		return all
	}
	return limit
}
